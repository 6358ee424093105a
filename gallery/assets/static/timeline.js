// The timeline: a grid, a scrubber of years, a selection.

import { Grid } from "./grid.js";
import { element, getJSON, join, postJSON } from "./ask.js";

const root = document.getElementById("grid");
const query = root.dataset.address;
const chosen = new Map(); // id -> index
const bar = document.getElementById("selection");
const notice = document.getElementById("notice");
let last = -1;

const grid = new Grid(root, query, {
  layout: drawYears,
  seen: mark,
  pick: (t, range) => pick(t, range),
  paint: (t, id) => t.classList.toggle("selected", chosen.has(id)),
  stale: () => refresh(),
  wrong: () => {}, // the frame says what is wrong, and the next look tries again
});
globalThis.grid = grid; // for whoever looks at it with the browser's own tools

// ---- scrubber

const scrubber = document.getElementById("scrubber");
const needle = element("i");

let scrubberHeight = 0;

function drawYears(layout) {
  scrubber.replaceChildren(needle);
  scrubber.hidden = layout.height < innerHeight * 1.5; // before its height is asked for
  let lastTop = -Infinity;
  const height = scrubberHeight = scrubber.clientHeight;
  for (const [year, y] of layout.years) {
    const top = y / Math.max(1, layout.height) * height;
    if (top - lastTop < 22) continue;
    lastTop = top;
    const b = element("button", { type: "button" }, String(year));
    b.style.top = top + 8 + "px";
    b.setAttribute("aria-label", "Go to " + year);
    b.addEventListener("click", () => scrollTo(0, y + root.offsetTop - 70));
    scrubber.append(b);
  }
}

function mark(share) {
  needle.style.transform = `translateY(${Math.max(0, Math.min(1, share)) * (scrubberHeight - 4)}px)`;
}

let dragging = false;
scrubber.addEventListener("pointerdown", (e) => { dragging = true; scrubber.setPointerCapture(e.pointerId); drag(e); });
scrubber.addEventListener("pointermove", (e) => { if (dragging) drag(e); });
scrubber.addEventListener("pointerup", () => { dragging = false; });
function drag(e) {
  const box = scrubber.getBoundingClientRect();
  scrollTo(0, (e.clientY - box.top) / box.height * grid.layout.height + root.offsetTop - 70);
}

// ---- selection

async function pick(t, range) {
  const i = +t.dataset.index, item = await grid.item(i);
  if (!item) return;
  if (range && last >= 0 && last !== i) {
    for (let j = Math.min(last, i); j <= Math.max(last, i); j++) {
      const one = await grid.item(j);
      if (one) chosen.set(one[0], j);
    }
  } else if (chosen.has(item[0])) {
    chosen.delete(item[0]);
  } else {
    chosen.set(item[0], i);
  }
  last = i;
  said();
}

function said() {
  for (const t of grid.tiles.values()) if (t.item) t.classList.toggle("selected", chosen.has(t.item[0]));
  bar.hidden = chosen.size === 0;
  document.body.classList.toggle("selecting", chosen.size > 0);
  document.getElementById("selected").textContent = chosen.size === 1 ? "1 selected" : chosen.size.toLocaleString("en") + " selected";
}

root.addEventListener("click", (e) => {
  const t = e.target.closest(".tile");
  if (!t) return;
  if (!t.item) { e.preventDefault(); return; }
  if (e.target.closest(".pick") || (chosen.size && !e.ctrlKey && !e.metaKey && e.detail > 0)) {
    e.preventDefault();
    pick(t, e.shiftKey);
  }
});

document.getElementById("unselect").addEventListener("click", () => { chosen.clear(); said(); });
addEventListener("keydown", (e) => { if (e.key === "Escape" && chosen.size && !document.querySelector("dialog[open]")) { chosen.clear(); said(); } });

document.getElementById("zip").addEventListener("click", () => {
  if (chosen.size === 1) { location.href = "/original/" + [...chosen.keys()][0] + "?download"; return; }
  const form = element("form", { method: "post", action: "/zip", hidden: true });
  form.append(element("input", { type: "hidden", name: "ids", value: [...chosen.keys()].join(" ") }));
  document.body.append(form);
  form.submit();
  form.remove();
});

const dialog = document.getElementById("restoring");
if (dialog) {
  const text = document.getElementById("restored"), go = document.getElementById("restore-go");
  document.getElementById("restore").addEventListener("click", () => { text.textContent = ""; dialog.showModal(); offerPhones(); });
  const where = document.getElementById("where"), folder = document.getElementById("folder");
  where.addEventListener("change", () => { folder.disabled = where.value !== ""; });
  const offerPhones = async () => {
    const { phones } = await getJSON("/api/phones").catch(() => ({}));
    for (const p of phones ?? []) {
      if (p.ready && ![...where.options].some((o) => o.value === p.id)) where.append(element("option", { value: p.id, textContent: `${p.name}, where they were` }));
    }
  };
  document.getElementById("restore-close").addEventListener("click", () => dialog.close());
  dialog.querySelector("form").addEventListener("submit", (e) => { e.preventDefault(); go.click(); });
  go.addEventListener("click", async () => {
    go.disabled = true;
    text.textContent = "Restoring…";
    try {
      const did = await postJSON("/restore", { ids: [...chosen.keys()], folder: where.value ? "" : folder.value, phone: where.value });
      text.textContent = `${did.files} restored to ${did.folder}.` + (did.same ? ` ${did.same} there already.` : "") + (did.failed?.length ? ` ${did.failed.length} could not be restored: ${did.failed[0].Path}: ${did.failed[0].Reason}` : "");
    } catch (err) {
      text.textContent = err.message;
    }
    go.disabled = false;
  });
}

// ---- beginning, and what is new meanwhile

async function refresh() {
  const total = await grid.load().catch(() => null);
  if (total === null) return;
  const count = document.getElementById("count");
  if (count) count.textContent = total.toLocaleString("en") + (total === 1 ? " picture" : " pictures");
  if (total && document.querySelector(".empty")) document.querySelector(".empty").remove();
}

addEventListener("shoebox:new", async () => {
  const before = grid.layout?.total ?? 0;
  await refresh();
  if (grid.layout.total > before && notice) {
    notice.textContent = `${(grid.layout.total - before).toLocaleString("en")} new`;
    notice.hidden = false;
    setTimeout(() => { notice.hidden = true; }, 4000);
  }
});
addEventListener("shoebox:back", refresh);

await refresh();
root.dataset.ready = "true";
const id = location.hash.slice(1);
if (/^[0-9a-f]{16}$/.test(id)) {
  history.replaceState(null, "", location.pathname + location.search);
  const where = await getJSON(join("/api/where", query, { id })).catch(() => null);
  if (where && where.index >= 0) grid.go(where.index);
}
