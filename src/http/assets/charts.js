// Small charts of the last minutes.

import { h, mark, say, svg } from "./dom.js";
import { exactClock } from "./times.js";

const [WIDTH, HEIGHT] = [600, 120];
const SPAN = 5 * 60_000;
/** A gap longer than this is left open. */
const GAP = 6000;

/** Lines over time. `lines`: `{ key, label, tone }`, of samples `{ at, [key]: number|null }`; `unit` tells a number. */
export class Chart {
  #lines;
  #unit;
  #samples = [];
  #top = 1;

  constructor(title, lines, unit) {
    this.#unit = unit;
    this.#lines = lines.map((line) => ({
      ...line,
      path: svg("path", { class: `line ${line.tone}` }),
      value: h("b", {}),
    }));
    this.scale = h("span", { class: "scale" });
    this.hair = svg("line", { class: "hair", y1: 0, y2: HEIGHT, visibility: "hidden" });
    this.picture = svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" },
      [0.25, 0.5, 0.75].map((part) =>
        svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT * part, y2: HEIGHT * part }),
      ),
      this.#lines.map((line) => line.path),
      this.hair,
    );
    this.when = h("span", { class: "when" }, "now");
    this.title = title;
    this.element = h(
      "figure",
      { class: "chart" },
      h(
        "figcaption",
        {},
        h("h3", {}, title),
        h(
          "p",
          { class: "legend" },
          this.#lines.map(({ label, tone, value }) => h("span", { class: `key ${tone}` }, label, " ", value)),
        ),
      ),
      h("div", { class: "plot" }, this.picture, this.scale),
      h("p", { class: "axis" }, h("span", {}, "5 minutes ago"), this.when),
    );
    this.picture.addEventListener("pointermove", (event) => this.#point(event));
    this.picture.addEventListener("pointerleave", () => this.#tell(this.#samples.at(-1)));
  }

  /** Draws these samples, the oldest first. */
  show(samples) {
    this.#samples = samples;
    const now = samples.at(-1)?.at ?? Date.now();
    const values = samples.flatMap((one) => this.#lines.map(({ key }) => one[key])).filter((value) => value !== null);
    this.#top = nice(Math.max(...values, 0));
    for (const { key, path } of this.#lines) path.setAttribute("d", this.#path(samples, key, now));
    say(this.scale, this.#unit(this.#top));
    if (this.hair.getAttribute("visibility") === "hidden") this.#tell(samples.at(-1));
    mark(
      this.picture,
      "aria-label",
      `${this.title}, the last 5 minutes. ${this.#lines.map(({ key, label }) => `${label} ${this.#told(samples.at(-1)?.[key])}`).join(", ")}`,
    );
  }

  #path(samples, key, now) {
    let [path, before] = ["", null];
    for (const one of samples) {
      if (one[key] === null || now - one.at > SPAN) continue;
      const x = WIDTH - ((now - one.at) / SPAN) * WIDTH;
      const y = HEIGHT - (one[key] / this.#top) * (HEIGHT - 6);
      path += `${before !== null && one.at - before < GAP ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      before = one.at;
    }
    return path;
  }

  #point(event) {
    const { left, width } = this.picture.getBoundingClientRect();
    const now = this.#samples.at(-1)?.at;
    if (!now || width === 0) return;
    const at = now - (1 - (event.clientX - left) / width) * SPAN;
    const nearest = this.#samples.reduce((best, one) => (Math.abs(one.at - at) < Math.abs(best.at - at) ? one : best));
    if (Math.abs(nearest.at - at) > GAP) return this.#tell(this.#samples.at(-1));
    this.#tell(nearest, WIDTH - ((now - nearest.at) / SPAN) * WIDTH);
  }

  #tell(one, x = null) {
    for (const { key, value } of this.#lines) say(value, this.#told(one?.[key]));
    mark(this.hair, "visibility", x === null ? "hidden" : "visible");
    if (x !== null) for (const end of ["x1", "x2"]) this.hair.setAttribute(end, x.toFixed(1));
    say(this.when, x === null ? "now" : exactClock(one.at));
  }

  #told(value) {
    return value === null || value === undefined ? "–" : this.#unit(value);
  }
}

/** The next round number above. */
function nice(value) {
  if (!(value > 0)) return 1;
  const step = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 5, 7.5, 10].find((part) => part * step >= value) * step;
}
