// Where each picture of a timeline stands, from nothing but the number of pictures of each day: a hundred thousand take a few milliseconds, and
// nothing that is not seen needs to be known.

const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const longDay = new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const month = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
const dateOf = (n) => new Date(n * 86400000);

// Writing a date takes long enough to be seen when a hundred pictures come at once, and they share a few days.
const kept = new Map();
function text(format, n) {
  const key = format === longDay ? n : format === day ? n + .25 : n + .5;
  if (!kept.has(key)) {
    if (kept.size > 5000) kept.clear();
    kept.set(key, format.format(dateOf(n)));
  }
  return kept.get(key);
}

export const dayText = (n) => text(day, n);
export const longDayText = (n) => text(longDay, n);
export const monthText = (n) => text(month, n);

const gap = 4;
const headingHeight = 40;
const monthHeight = 58;

export class Layout {
  // days are [day since 1970, count], newest first.
  constructor(days, width) {
    this.days = days;
    const wanted = width < 600 ? 112 : 150;
    this.columns = Math.max(3, Math.round((width + gap) / (wanted + gap)));
    this.size = (width - gap * (this.columns - 1)) / this.columns;
    this.step = this.size + gap;
    const n = days.length;
    this.start = new Int32Array(n + 1); // index of each day's first picture
    this.top = new Float64Array(n); // of its heading
    this.column = new Int16Array(n); // where it begins
    this.fresh = new Uint8Array(n); // it begins a month
    this.months = []; // [first day's place, top]
    this.years = [];
    this.place();
  }

  place() {
    let y = 0, column = 0, open = false, lastMonth = -1, lastYear = -1;
    for (let i = 0; i < this.days.length; i++) {
      const [date, count] = this.days[i];
      const when = dateOf(date), m = when.getUTCFullYear() * 12 + when.getUTCMonth();
      this.start[i + 1] = this.start[i] + count;
      if (m !== lastMonth) {
        if (open) y += headingHeight + this.step;
        open = false;
        this.fresh[i] = 1;
        this.months.push([i, y]);
        if (when.getUTCFullYear() !== lastYear) this.years.push([when.getUTCFullYear(), y]);
        lastMonth = m;
        lastYear = when.getUTCFullYear();
        y += monthHeight;
      }
      // Days with few pictures share a row.
      const wide = count;
      if (open && column + wide > this.columns) {
        y += headingHeight + this.step;
        open = false;
      }
      if (open || wide < this.columns) {
        this.top[i] = y;
        this.column[i] = open ? column : 0;
        column = this.column[i] + wide;
        open = true;
        continue;
      }
      this.top[i] = y;
      y += headingHeight + Math.ceil(count / this.columns) * this.step;
    }
    if (open) y += headingHeight + this.step;
    this.height = y;
    this.total = this.start[this.days.length];
  }

  // dayOf finds the day that a picture belongs to.
  dayOf(index) {
    let low = 0, high = this.days.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.start[middle] <= index) low = middle; else high = middle - 1;
    }
    return low;
  }

  // dayAt finds the last day whose heading is not below y.
  dayAt(y) {
    let low = 0, high = this.days.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.top[middle] <= y) low = middle; else high = middle - 1;
    }
    return low;
  }

  // at gives the place of a picture.
  at(index, d = this.dayOf(index)) {
    const n = index - this.start[d], columns = this.columns - this.column[d];
    return [(this.column[d] + n % columns) * this.step, this.top[d] + headingHeight + Math.floor(n / columns) * this.step];
  }

  // heading gives the place and the width of a day's heading.
  heading(d) {
    const columns = Math.min(this.days[d][1], this.columns - this.column[d]);
    return [this.column[d] * this.step, this.top[d], columns * this.step - gap];
  }

  // between gives the first and the last picture that may be seen between two heights.
  between(from, to) {
    if (!this.total) return [0, -1];
    const top = this.top[this.dayAt(from)];
    let d = this.dayAt(from);
    while (d > 0 && this.top[d - 1] === top) d--; // days that share a row
    const rows = Math.max(0, Math.floor((from - top - headingHeight) / this.step));
    const first = Math.min(this.start[d] + (this.days[d][1] > this.columns ? rows * this.columns : 0), this.start[d + 1] - 1);
    const last = this.dayAt(to), left = Math.ceil((to - this.top[last] - headingHeight) / this.step) * (this.columns - this.column[last]);
    return [first, Math.min(this.start[last + 1] - 1, this.start[last] + Math.max(left, 0) + this.columns)];
  }
}

export const sizes = { gap, headingHeight, monthHeight };
