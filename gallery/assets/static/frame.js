// What stands around every page: it looks now and then whether there is something new, or something wrong.

import { getJSON } from "./ask.js";

const notice = document.getElementById("notice");
let seen = null;
let troubled = false;

function tell(text, bad) {
  if (!notice) return;
  notice.textContent = text;
  notice.classList.toggle("bad", !!bad);
  notice.hidden = !text;
}

async function look() {
  let state;
  try {
    state = await getJSON("/api/state");
  } catch (err) {
    if (err.status === 401) {
      tell("This page was opened by an earlier run of shoebox serve. Open the address that the new one printed.", true);
      return;
    }
    troubled = true;
    tell("The gallery does not answer. Is shoebox serve still running? This page goes on by itself as soon as it is.", true);
    return;
  }
  if (state.trouble) {
    troubled = true;
    tell(state.trouble.text + " " + state.trouble.next, true);
  } else {
    if (troubled) dispatchEvent(new CustomEvent("shoebox:back"));
    troubled = false;
    tell("");
    if (state.damaged && !sessionStorage.getItem("damage")) {
      tell("A part of the catalog is damaged, so pictures may be missing here. Run “shoebox check”, then “shoebox heal”.", true);
      const b = document.createElement("button");
      b.textContent = "Understood";
      b.addEventListener("click", () => { sessionStorage.setItem("damage", "seen"); tell(""); });
      notice.append(b);
    }
  }
  if (seen !== null && state.generation !== seen && !state.trouble) dispatchEvent(new CustomEvent("shoebox:new"));
  if (!state.trouble) seen = state.generation;
}

if (notice) {
  look();
  setInterval(() => { if (!document.hidden) look(); }, 4000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
}

addEventListener("keydown", (e) => {
  if (e.key === "/" && !e.ctrlKey && !e.metaKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)) {
    e.preventDefault();
    document.getElementById("q")?.focus();
  }
});

// Small pictures that do not come leave a quiet place, not a torn one.
document.addEventListener("error", (e) => {
  if (e.target instanceof HTMLImageElement && e.target.closest(".mini, .cover, .version")) e.target.remove();
}, true);
