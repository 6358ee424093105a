// Draws the part of a timeline that is seen. Pictures are told of in blocks, and asked for when they are about to be seen.

import { Layout, dayText, longDayText, monthText, sizes } from "./layout.js";
import { element, getJSON, join } from "./ask.js";

export const flag = { video: 1, small: 2, preview: 4, gone: 8, unshown: 16 };
const block = 200;
const ahead = 500; // pixels drawn beyond what is seen

export class Grid {
  constructor(root, query, on) {
    Object.assign(this, { root, query, on, days: [], blocks: new Map(), tiles: new Map(), headings: new Map(), waiting: [], working: 0, current: -1, generation: 0 });
    this.month = document.getElementById("month");
    this.month.append(this.label = element("span"));
    this.month.hidden = true;
    this.lastTop = scrollY;
    addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.resize()).observe(root);
    root.addEventListener("keydown", (e) => this.key(e));
    root.addEventListener("focusin", (e) => { const t = e.target.closest?.(".tile"); if (t) this.current = +t.dataset.index; });
  }

  async load() {
    const told = await getJSON(join("/api/days", this.query));
    this.days = told.days;
    this.generation = told.generation;
    this.blocks.clear();
    for (const t of this.tiles.values()) t.remove();
    this.tiles.clear();
    this.resize(true);
    return told.total;
  }

  resize(anew) {
    const width = this.root.clientWidth;
    if (!width || (!anew && this.layout && width === this.width)) return;
    const anchor = this.layout && !anew ? this.layout.between(this.seenFrom(), this.seenFrom() + 1)[0] : -1;
    this.width = width;
    this.rootTop = this.root.offsetTop;
    this.layout = new Layout(this.days, width);
    this.root.style.height = this.layout.height + "px";
    for (const t of [...this.tiles.values(), ...this.headings.values()]) t.remove();
    this.tiles.clear();
    this.headings.clear();
    if (anchor > 0) scrollTo(0, this.layout.at(anchor)[1] + this.offset());
    this.on.layout?.(this.layout);
    this.draw();
  }

  offset() { return this.root.getBoundingClientRect().top + scrollY - 120; }
  seenFrom() { return Math.max(0, scrollY - this.rootTop); }

  scrolled() {
    const now = performance.now();
    this.fast = Math.abs(scrollY - this.lastTop) > innerHeight * .5 * Math.max((now - (this.lastTime ?? 0)) / 100, .1); // five screens a second: nothing can be made out
    this.lastTop = scrollY;
    this.lastTime = now;
    this.moving = true;
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
    clearTimeout(this.settling);
    this.settling = setTimeout(() => { this.fast = this.moving = false; this.rootTop = this.root.offsetTop; this.draw(); this.better(); }, 120);
  }

  draw() {
    const l = this.layout;
    if (!l) return;
    const top = scrollY - this.rootTop; // nothing below asks for a measure: the page would be laid out once more for each frame
    const [first, last] = l.between(Math.max(0, top - ahead), top + innerHeight + ahead);
    const gone = [];
    for (const [i, t] of this.tiles) if ((i < first || i > last) && t !== document.activeElement) gone.push(i);
    const added = document.createDocumentFragment();
    for (let i = first, d = last >= first ? l.dayOf(first) : 0; i <= last; i++) {
      while (i >= l.start[d + 1]) d++;
      if (this.tiles.has(i)) continue;
      const old = gone.length ? gone.pop() : undefined;
      added.append(this.tile(i, d, old));
    }
    for (const i of gone) { this.tiles.get(i).remove(); this.tiles.delete(i); }
    this.drawHeadings(first, last, added);
    if (added.childNodes.length) this.root.append(added);
    this.fill(first, last);
    this.drawMonth(top);
    this.on.seen?.(top / Math.max(1, l.height - innerHeight / 2), top);
  }

  drawMonth(top) {
    const l = this.layout, show = top > 30 && l.total > 0;
    this.month.hidden = !show;
    if (!show) return;
    const text = monthText(l.days[l.dayAt(top + 146)][0]); // below the bar
    if (this.label.textContent !== text) this.label.textContent = text;
  }

  tile(i, d, reused) {
    const [x, y] = this.layout.at(i, d);
    let t = this.tiles.get(reused);
    if (t) {
      this.tiles.delete(reused);
      t.replaceChildren();
      t.className = "tile";
      t.removeAttribute("title");
      t.removeAttribute("aria-label");
      delete t.item;
      delete t.picture;
    } else {
      t = element("a", { className: "tile" });
      t.style.width = t.style.height = this.layout.size + "px";
    }
    t.style.transform = `translate(${x}px, ${y}px)`;
    t.dataset.index = i;
    t.href = "#";
    t.tabIndex = i === Math.max(this.current, 0) ? 0 : -1;
    if (!this.fast) t.setAttribute("aria-label", longDayText(this.layout.days[d][0]));
    this.tiles.set(i, t);
    return t;
  }

  drawHeadings(first, last, added) {
    const l = this.layout, wanted = new Set();
    for (let d = last >= first ? l.dayOf(first) : l.days.length; d < l.days.length && l.start[d] <= last; d++) wanted.add(d);
    for (const [d, h] of this.headings) if (!wanted.has(d)) { h.remove(); this.headings.delete(d); }
    for (const d of wanted) {
      if (this.fast) break; // the month is told at the top
      if (this.headings.has(d)) continue;
      const [x, y, width] = l.heading(d);
      const h = element("div", { className: "heading" }, dayText(l.days[d][0]));
      h.style.cssText = "";
      h.style.transform = `translate(${x}px, ${y}px)`;
      h.style.width = width + "px";
      h.style.height = sizes.headingHeight + "px";
      if (l.fresh[d]) {
        const m = element("h2", { className: "heading new" }, monthText(l.days[d][0]));
        m.style.transform = `translate(${x}px, ${y - sizes.monthHeight + 10}px)`;
        m.style.height = sizes.monthHeight - 10 + "px";
        const both = element("div");
        both.append(m, h);
        this.headings.set(d, both);
      } else {
        this.headings.set(d, h);
      }
      added.append(this.headings.get(d));
    }
  }

  // items gives what is told of a block of pictures.
  items(n) {
    let b = this.blocks.get(n);
    if (!b) {
      b = { state: "asked", items: [] };
      this.blocks.set(n, b);
      if (this.blocks.size > 60) this.blocks.delete(this.blocks.keys().next().value);
      b.done = getJSON(join("/api/items", this.query, { from: n * block, n: block })).then((told) => {
        if (told.generation !== this.generation) { this.on.stale?.(); return; }
        b.state = "told";
        b.items = told.items;
        if (this.blocks.get(n) === b) this.draw();
      }).catch((err) => { this.blocks.delete(n); this.on.wrong?.(err); });
    }
    return b;
  }

  async item(i) {
    const b = this.items(Math.floor(i / block));
    await b.done;
    return b.items[i % block];
  }

  fill(first, last) {
    for (let i = first; i <= last; i++) {
      const t = this.tiles.get(i);
      if (!t || t.picture) continue;
      if (!this.fast && !t.item && !t.hasAttribute("aria-label")) t.setAttribute("aria-label", longDayText(this.layout.days[this.layout.dayOf(i)][0]));
      if (this.fast && !this.blocks.has(Math.floor(i / block))) continue;
      const b = this.items(Math.floor(i / block)), item = b.items[i % block];
      if (item) this.paint(t, item);
    }
  }

  paint(t, item) {
    const [id, flags, turned, name] = item;
    if (!t.item) {
      t.item = item;
      t.href = "/picture/" + id + this.query;
      t.setAttribute("aria-label", name + ", " + longDayText(this.layout.days[this.layout.dayOf(+t.dataset.index)][0]) + (flags & flag.video ? ", video" : "") + (flags & flag.gone ? ", safe here only" : ""));
      t.append(element("span", { className: "pick", ariaHidden: "true" }, "✓"));
      if (flags & (flag.video | flag.gone)) {
        const mark = element("span", { className: "mark", ariaHidden: "true" });
        if (flags & flag.gone) mark.append(element("b", { title: "No longer on the device" }, "safe here only"));
        if (flags & flag.video) mark.append(element("b", {}, "▶"));
        t.append(mark);
      }
      this.on.paint?.(t, id);
    }
    if (this.fast) return;
    t.picture = true;
    if (flags & flag.unshown && !(flags & flag.small)) { this.say(t, name); this.waiting.push(t); return; }
    this.image(t, id, turned, flags & flag.small ? "thumb" : flags & flag.preview ? "preview" : "later");
  }

  image(t, id, turned, from) {
    if (from === "later") { this.waiting.push(t); this.better(); return; }
    const img = element("img", { alt: "", decoding: "async", draggable: false });
    if (from === "preview" && turned > 1) img.className = "o" + turned;
    img.onload = () => { if (from === "preview") this.waiting.push(t), this.betterSoon(); };
    img.onerror = () => {
      if (t.item?.[0] !== id) return;
      img.remove();
      if (from === "preview") { this.waiting.push(t); this.better(); } else this.broken(t, id);
    };
    img.src = "/" + from + "/" + id;
    t.prepend(img);
  }

  betterSoon() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.better(), 250);
  }

  // better asks for real thumbnails of what is still seen, two at a time, once scrolling rests: they may take a while to be made.
  better() {
    while (this.working < 2 && this.waiting.length && !this.moving) {
      const t = this.waiting.pop();
      if (!t.isConnected || !t.item || t.better === t.item[0]) continue;
      const id = t.item[0];
      t.better = id;
      this.working++;
      const img = element("img", { alt: "", decoding: "async", draggable: false });
      const done = () => { this.working--; this.better(); };
      img.onload = () => {
        if (t.item?.[0] === id) { t.querySelectorAll("img, .say").forEach((old) => old.remove()); t.prepend(img); t.item[1] |= flag.small; }
        done();
      };
      img.onerror = () => { if (t.item?.[0] === id) this.broken(t, id); done(); };
      img.src = "/thumb/" + id;
    }
  }

  // broken says why a picture is not shown.
  async broken(t, id) {
    let why = { state: "error", text: "This picture cannot be shown." };
    try { await getJSON("/thumb/" + id); } catch (err) { why = { state: err.state, text: err.message }; }
    if (t.item?.[0] !== id) return;
    const short = { damaged: "Damaged", gone: "Not reachable" }[why.state];
    if (why.state !== "damaged" && t.querySelector("img")) return; // its preview is better than nothing
    if (why.state === "damaged") t.classList.add("broken");
    this.say(t, short ?? t.item[3]);
    t.title = why.text;
    t.setAttribute("aria-label", t.getAttribute("aria-label") + ". " + (short ? short + ". " : "") + why.text);
  }

  say(t, text) {
    t.querySelectorAll("img, .say").forEach((old) => old.remove());
    t.prepend(element("span", { className: "say", ariaHidden: "true" }, text));
  }

  // go moves to a picture and gives it the focus.
  go(i, behavior) {
    if (!this.layout.total) return;
    i = Math.max(0, Math.min(i, this.layout.total - 1));
    const [, y] = this.layout.at(i), top = scrollY - this.root.offsetTop;
    if (y < top + 70) scrollTo({ top: y + this.root.offsetTop - 160, behavior });
    else if (y + this.layout.size > top + innerHeight - 90) scrollTo({ top: y + this.root.offsetTop + this.layout.size - innerHeight + 110, behavior });
    this.tiles.get(this.current)?.setAttribute("tabindex", "-1");
    this.current = i;
    this.draw();
    const t = this.tiles.get(i);
    if (t) { t.tabIndex = 0; t.focus({ preventScroll: true }); }
  }

  // row finds the picture above or below.
  row(i, way) {
    const [x, y] = this.layout.at(i);
    let best = i, near = Infinity, rowY = null;
    for (let j = i + way; j >= 0 && j < this.layout.total && Math.abs(j - i) < 400; j += way) {
      const [xj, yj] = this.layout.at(j);
      if (yj === y) continue;
      if (rowY === null) rowY = yj;
      if (yj !== rowY) break;
      if (Math.abs(xj - x) < near) { near = Math.abs(xj - x); best = j; }
    }
    return best;
  }

  key(e) {
    const t = e.target.closest?.(".tile");
    if (!t || e.ctrlKey || e.metaKey || e.altKey) return;
    const i = +t.dataset.index, page = this.layout.columns * Math.max(1, Math.floor(innerHeight / this.layout.step) - 1);
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: this.layout.total - 1, PageDown: i + page, PageUp: i - page };
    if (e.key === "ArrowDown") to.ArrowDown = this.row(i, 1);
    if (e.key === "ArrowUp") to.ArrowUp = this.row(i, -1);
    if (e.key in to) { e.preventDefault(); this.go(to[e.key]); }
    else if (e.key === " " || e.key === "x") { e.preventDefault(); this.on.pick?.(t, e.shiftKey); }
  }
}
