// One picture: zoom, keys, and the next one without leaving the page.

import { getJSON, postJSON } from "./ask.js";

let main = document.getElementById("main");
let zoom = { scale: 1, x: 0, y: 0 };
let factsOpen = sessionStorage.getItem("facts") === "open";
const byId = (id) => document.getElementById(id);

// ---- zoom

function apply() {
  const full = byId("full");
  if (!(full instanceof HTMLImageElement)) return;
  full.style.transform = zoom.scale === 1 ? "" : `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`;
  byId("stage").classList.toggle("zoomed", zoom.scale > 1);
  for (const under of document.querySelectorAll(".under")) under.hidden = zoom.scale > 1 || full.complete && full.naturalWidth > 0;
}

function zoomBy(by, cx, cy) {
  const stage = byId("stage").getBoundingClientRect();
  const px = (cx ?? stage.left + stage.width / 2) - stage.left - stage.width / 2, py = (cy ?? stage.top + stage.height / 2) - stage.top - stage.height / 2;
  const scale = Math.min(12, Math.max(1, zoom.scale * by)), ratio = scale / zoom.scale;
  zoom = scale === 1 ? { scale, x: 0, y: 0 } : { scale, x: px - (px - zoom.x) * ratio, y: py - (py - zoom.y) * ratio };
  apply();
}

function listen() {
  const stage = byId("stage"), full = byId("full");
  stage.addEventListener("wheel", (e) => { e.preventDefault(); zoomBy(Math.exp(-e.deltaY / 400), e.clientX, e.clientY); }, { passive: false });
  stage.addEventListener("dblclick", (e) => { if (full instanceof HTMLImageElement) zoomBy(zoom.scale > 1 ? 1e-6 : 3, e.clientX, e.clientY); });
  const fingers = new Map();
  let start = null;
  stage.addEventListener("pointerdown", (e) => { if (full instanceof HTMLImageElement) { fingers.set(e.pointerId, e); start = { x: e.clientX, y: e.clientY }; stage.setPointerCapture(e.pointerId); } });
  stage.addEventListener("pointermove", (e) => {
    const before = fingers.get(e.pointerId);
    if (!before) return;
    if (fingers.size === 2) {
      const [a, b] = [...fingers.values()], other = a.pointerId === e.pointerId ? b : a;
      const was = Math.hypot(before.clientX - other.clientX, before.clientY - other.clientY), is = Math.hypot(e.clientX - other.clientX, e.clientY - other.clientY);
      zoomBy(is / Math.max(was, 1), (e.clientX + other.clientX) / 2, (e.clientY + other.clientY) / 2);
    } else if (zoom.scale > 1) {
      zoom.x += e.clientX - before.clientX;
      zoom.y += e.clientY - before.clientY;
      apply();
    }
    fingers.set(e.pointerId, e);
  });
  const up = (e) => {
    if (fingers.size === 1 && zoom.scale === 1 && start && Math.abs(e.clientX - start.x) > 70 && Math.abs(e.clientY - start.y) < 60) byId(e.clientX > start.x ? "previous" : "next")?.click();
    fingers.delete(e.pointerId);
  };
  stage.addEventListener("pointerup", up);
  stage.addEventListener("pointercancel", (e) => fingers.delete(e.pointerId));
  if (full) {
    full.addEventListener("load", apply);
    full.addEventListener("error", () => wrong());
    if (full instanceof HTMLImageElement && full.complete) full.naturalWidth ? apply() : wrong();
  }
  byId("info").addEventListener("click", () => showFacts(!factsOpen));
  byId("film")?.addEventListener("click", playFilm);
  byId("restore-one")?.addEventListener("click", () => restore(""));
  offerPhone();
  for (const way of ["previous", "next"]) byId(way)?.addEventListener("click", (e) => { if (!e.ctrlKey && !e.metaKey) { e.preventDefault(); go(e.currentTarget.href); } });
  if (factsOpen) showFacts(true);
}

// wrong says why a picture is not shown: its bytes are read and held against their hash, which tells damage from what no browser can show.
async function wrong() {
  const w = byId("wrong");
  w.hidden = false;
  w.textContent = "This cannot be shown. Reading it to see why…";
  try {
    await postJSON("/picture/" + main.dataset.id + "/verify");
    w.textContent = "This cannot be shown here. It is whole and safe: download it to look at it with another program.";
  } catch (err) {
    w.textContent = err instanceof TypeError ? "The gallery does not answer. Is shoebox serve still running?" : err.message;
  }
}

function playFilm() {
  const b = byId("film"), stage = byId("stage"), old = byId("motion");
  b.setAttribute("aria-pressed", String(!old));
  if (old) { old.remove(); return; }
  const v = Object.assign(document.createElement("video"), { id: "motion", src: b.dataset.src, autoplay: true, loop: true, muted: true, playsInline: true, controls: true });
  v.addEventListener("error", () => { v.remove(); say("This film cannot be played here. Download the original to see it."); });
  stage.append(v);
}

function say(text) {
  byId("said").textContent = text;
}

// offerPhone shows the way back to the phone that is plugged in.
async function offerPhone() {
  const b = byId("put-back");
  if (!b) return;
  const { phones } = await getJSON("/api/phones").catch(() => ({}));
  const phone = phones?.find((p) => p.ready);
  if (!phone) return;
  b.setAttribute("aria-label", `Put back onto ${phone.name}`);
  b.hidden = false;
  b.addEventListener("click", () => restore(phone.id));
}

async function restore(phone) {
  say("Restoring…");
  try {
    const did = await postJSON("/restore", { ids: [main.dataset.id], folder: "", phone });
    say(did.failed?.length ? `Not restored: ${did.failed[0].Reason}` : did.files ? `Restored to ${did.folder}.` : `It is there already: ${did.folder}.`);
  } catch (err) {
    say(err.message);
  }
}

// ---- facts

async function showFacts(open) {
  factsOpen = open;
  sessionStorage.setItem("facts", open ? "open" : "");
  byId("facts").hidden = !open;
  main.classList.toggle("with-facts", open);
  byId("info").setAttribute("aria-pressed", String(open));
  const story = byId("story");
  if (!open || story.dataset.told) return;
  story.dataset.told = "yes";
  const r = await fetch("/picture/" + main.dataset.id + "/story" + main.dataset.address).catch(() => null);
  if (!r?.ok) { story.textContent = "What is known of it cannot be read now."; story.dataset.told = ""; return; }
  story.replaceChildren(...new DOMParser().parseFromString(await r.text(), "text/html").body.childNodes);
  byId("verify").addEventListener("click", verify);
  byId("compare")?.addEventListener("click", () => {
    for (const img of byId("comparing").querySelectorAll("img[data-src]")) img.src = img.dataset.src;
    byId("comparing").showModal();
  });
  byId("compare-close")?.addEventListener("click", () => byId("comparing").close());
}

async function verify() {
  const b = byId("verify"), told = byId("verified");
  b.disabled = true;
  told.textContent = "Reading every byte…";
  try { told.textContent = (await postJSON("/picture/" + main.dataset.id + "/verify")).text; } catch (err) { told.textContent = err.message; }
  b.disabled = false;
}

// ---- the next picture

async function go(address, back) {
  const r = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!r?.ok) { location.href = address; return; }
  const page = new DOMParser().parseFromString(await r.text(), "text/html"), next = page.getElementById("main");
  if (!next?.classList.contains("viewer")) { location.href = address; return; }
  const focused = document.activeElement?.id;
  main.replaceWith(next);
  main = next;
  document.title = page.title;
  if (!back) history.replaceState(null, "", address);
  zoom = { scale: 1, x: 0, y: 0 };
  listen();
  ahead();
  (focused && byId(focused) || main).focus({ preventScroll: true });
}

// ahead asks for the thumbnail of the next picture, so that something is seen at once.
function ahead() {
  const next = byId("next")?.getAttribute("href")?.match(/\/picture\/([0-9a-f]{16})/);
  if (next) new Image().src = "/thumb/" + next[1];
}

addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
  const full = byId("full"), film = e.target instanceof HTMLVideoElement;
  const does = {
    ArrowLeft: () => film || byId("previous")?.click(), ArrowRight: () => film || byId("next")?.click(),
    Escape: () => byId("back").click(), i: () => showFacts(!factsOpen), d: () => byId("download").click(),
    "+": () => zoomBy(1.4), "=": () => zoomBy(1.4), "-": () => zoomBy(1 / 1.4), 0: () => zoomBy(1e-6),
    f: () => document.fullscreenElement ? document.exitFullscreen() : main.requestFullscreen?.(),
    m: () => byId("film")?.click(),
    " ": () => full instanceof HTMLVideoElement && !film && e.target.tagName !== "BUTTON" && e.target.tagName !== "A" ? (full.paused ? full.play() : full.pause()) : "pass",
  };
  const act = does[e.key];
  if (act && act() !== "pass" && !film) e.preventDefault();
});

listen();
ahead();
document.body.dataset.ready = "true";
