// What is on a phone and not yet safe.

import { element, getJSON, postJSON } from "./ask.js";

const byId = (id) => document.getElementById(id);
const said = byId("phone-said"), section = byId("waiting"), tiles = byId("waiting-tiles"), button = byId("backup");
let phone = null, waiting = [], working = false, queue = [], reading = 0;
const chosen = new Set();

async function look() {
  if (working) return;
  let told;
  try { told = await getJSON("/api/phones"); } catch (err) { none(err.message); return; }
  const ready = told.phones.filter((p) => p.ready);
  byId("phones").replaceChildren(...(told.phones.length > 1 ? told.phones.map(choice) : []));
  if (!told.phones.length) return none("No phone is plugged in. Connect one with a cable, switch on USB debugging, and it appears here by itself.");
  if (!ready.length) return none(told.phones[0].name + ": " + told.phones[0].trouble);
  const now = ready.find((p) => p.id === phone?.id) ?? ready[0];
  if (now.id !== phone?.id) { phone = now; await list(); }
}

function choice(p) {
  const b = element("button", { type: "button", className: "chip" }, p.name);
  b.setAttribute("aria-pressed", String(p.id === phone?.id));
  b.disabled = !p.ready;
  b.addEventListener("click", () => { phone = p; list().then(look); });
  return b;
}

function none(text) {
  phone = null;
  section.hidden = true;
  said.textContent = text;
}

async function list() {
  said.textContent = "Looking at " + phone.name + "…";
  section.hidden = true;
  let told;
  try { told = await getJSON("/api/waiting?phone=" + encodeURIComponent(phone.id)); } catch (err) { none(err.message); return; }
  waiting = told.waiting;
  chosen.clear();
  for (const f of waiting) chosen.add(f.id);
  said.textContent = waiting.length ? `${phone.name}: ${count(told.safe, "file")} safe, ${count(waiting.length, "file")} not yet.` : `Everything on ${phone.name} is safe: ${count(told.safe, "file")}.`;
  section.hidden = !waiting.length;
  queue = [];
  tiles.replaceChildren(...waiting.slice(0, 2000).map(tile));
  update();
  more();
}

const count = (n, thing) => n.toLocaleString("en") + " " + thing + (n === 1 ? "" : "s");

function tile(f) {
  const b = element("button", { type: "button", className: "mini", title: `${f.name}, ${f.size}, ${f.day}` });
  b.setAttribute("aria-pressed", "true");
  b.setAttribute("aria-label", `${f.name}, ${f.size}, ${f.day}${f.changed ? ", changed" : ""}`);
  b.append(element("span", {}, f.name.slice(f.name.lastIndexOf("/") + 1)));
  if (f.changed) b.disabled = false;
  b.addEventListener("click", () => {
    if (working) return;
    chosen.has(f.id) ? chosen.delete(f.id) : chosen.add(f.id);
    b.setAttribute("aria-pressed", String(chosen.has(f.id)));
    update();
  });
  if (!f.video) queue.push([b, f]);
  return b;
}

// more asks for thumbnails, two at a time: each is read over the cable.
function more() {
  while (reading < 2 && queue.length) {
    const [b, f] = queue.shift();
    if (!b.isConnected) continue;
    reading++;
    const img = element("img", { alt: "" });
    img.onload = () => { reading--; b.prepend(img); more(); };
    img.onerror = () => { reading--; more(); };
    img.src = "/waiting/" + f.id + "?phone=" + encodeURIComponent(phone?.id ?? "");
  }
}

function update() {
  const bytes = waiting.filter((f) => chosen.has(f.id)).reduce((sum, f) => sum + f.bytes, 0);
  byId("waiting-title").textContent = `Not yet safe: ${waiting.length.toLocaleString("en")}`;
  button.textContent = chosen.size === waiting.length ? `Back up all ${chosen.size.toLocaleString("en")}` : `Back up these ${chosen.size.toLocaleString("en")}`;
  button.title = bytes.toLocaleString("en") + " bytes";
  button.disabled = working || !chosen.size;
  byId("choose-all").textContent = chosen.size === waiting.length ? "Select none" : "Select all";
}

byId("choose-all").addEventListener("click", () => {
  const all = chosen.size !== waiting.length;
  chosen.clear();
  if (all) for (const f of waiting) chosen.add(f.id);
  for (const b of tiles.children) b.setAttribute("aria-pressed", String(all));
  update();
});

button.addEventListener("click", async () => {
  working = true;
  update();
  byId("progress").hidden = false;
  byId("progress-text").textContent = "Beginning…";
  try {
    await postJSON("/phone/backup", { Phone: phone.id, IDs: [...chosen] });
    await follow();
  } catch (err) {
    byId("progress-text").textContent = err.message;
    working = false;
    update();
  }
});

// follow shows how far the backup is until it ends.
async function follow() {
  working = true;
  byId("progress").hidden = false;
  for (;;) {
    const now = await getJSON("/api/job").catch((err) => ({ state: "lost", text: err.message }));
    byId("progress-text").textContent = now.text ?? "";
    if (now.toRead > 0) byId("progress-bar").value = Math.min(100, 100 * now.read / now.toRead);
    if (now.state === "done" || now.state === "failed") {
      byId("progress-bar").value = now.state === "done" ? 100 : 0;
      working = false;
      const text = now.text;
      if (phone) await list();
      said.textContent = text + " " + said.textContent;
      byId("progress").hidden = now.state === "done" && !waiting.length;
      phone ?? await look();
      return;
    }
    if (now.state === "none") { working = false; return; }
    await new Promise((done) => setTimeout(done, 400));
  }
}

await look();
const job = await getJSON("/api/job").catch(() => null);
if (job?.state === "running") { section.hidden = false; follow(); }
setInterval(() => { if (!document.hidden) look(); }, 3000);
