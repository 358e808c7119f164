// The zones on the picture: corners to take hold of, with a pointer or the keyboard.

import { h, mark, svg } from "./dom.js";

const STEP = 0.01;
const FINE_STEP = 0.001;
const MOST_CORNERS = 256;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const clamp = (value) => Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
const percent = (value) => `${(value * 100).toFixed(2)}%`;

/** Draws `zones` (`{ name, polygon }`, changed in place). `changed` hears of each change, `chosen` of each choice. */
export class ZoneCanvas {
  element = h("div", { class: "zones", role: "group", "aria-label": "Zones on the picture" });
  #zones = [];
  #chosen = -1;
  #changed;
  #choose;
  #shapes = [];
  #corners = [];
  #middles = [];

  constructor({ changed, chosen }) {
    this.#changed = changed;
    this.#choose = chosen;
  }

  /** Draws everything anew; `focus` is the number of a corner. */
  draw(zones, chosen, focus = null) {
    [this.#zones, this.#chosen] = [zones, chosen];
    this.#shapes = zones.map((zone, n) => this.#shape(zone, n));
    const zone = zones[chosen];
    this.#corners = zone ? zone.polygon.map((_, n) => this.#corner(zone, n)) : [];
    this.#middles = zone && zone.polygon.length < MOST_CORNERS ? zone.polygon.map((_, n) => this.#middle(zone, n)) : [];
    const drawing = svg("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none" }, this.#shapes);
    this.element.replaceChildren(drawing, ...this.#middles, ...this.#corners);
    this.#place();
    if (focus !== null) this.#corners[Math.min(focus, this.#corners.length - 1)]?.focus({ preventScroll: true });
  }

  #place() {
    this.#zones.forEach(({ polygon }, n) =>
      this.#shapes[n].setAttribute("points", polygon.map(([x, y]) => `${x},${y}`).join(" ")),
    );
    const zone = this.#zones[this.#chosen];
    this.#corners.forEach((corner, n) => {
      const [x, y] = zone.polygon[n];
      Object.assign(corner.style, { left: percent(x), top: percent(y) });
      mark(
        corner,
        "aria-label",
        `Corner ${n + 1} of ${zone.polygon.length}: ${Math.round(x * 100)} % from the left, ${Math.round(y * 100)} % from the top. Arrow keys move it, Delete removes it, Insert adds one after it`,
      );
    });
    this.#middles.forEach((middle, n) => {
      const [[x, y], [u, v]] = [zone.polygon[n], zone.polygon[(n + 1) % zone.polygon.length]];
      Object.assign(middle.style, { left: percent((x + u) / 2), top: percent((y + v) / 2) });
    });
  }

  #shape(zone, n) {
    const isChosen = n === this.#chosen;
    const label = isChosen ? `Zone ${zone.name}: arrow keys move it` : `Zone ${zone.name}: choose it`;
    const shape = svg("polygon", {
      class: isChosen ? "zone chosen" : "zone",
      tabindex: "0",
      role: "button",
      "aria-label": label,
    });
    shape.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (isChosen && arrow) {
        event.preventDefault();
        this.#shift(
          zone,
          arrow.map((part) => part * (event.shiftKey ? FINE_STEP : STEP)),
          zone.polygon,
        );
      } else if (!isChosen && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        this.#choose(n);
      }
    });
    shape.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      if (!isChosen) return this.#choose(n);
      const [from, before] = [this.#at(event), zone.polygon.map((corner) => [...corner])];
      this.#drag(event, shape, (at) => this.#shift(zone, [at[0] - from[0], at[1] - from[1]], before));
    });
    return shape;
  }

  #corner(zone, n) {
    const corner = h("button", { type: "button", class: "corner" });
    corner.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      const step = event.shiftKey ? FINE_STEP : STEP;
      if (arrow) this.#move(zone, n, [zone.polygon[n][0] + arrow[0] * step, zone.polygon[n][1] + arrow[1] * step]);
      else if (event.key === "Delete" || event.key === "Backspace") this.#remove(zone, n);
      else if (event.key === "Insert" || event.key === "+") this.#insert(zone, n);
      else return;
      event.preventDefault();
    });
    corner.addEventListener("dblclick", () => this.#remove(zone, n));
    corner.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      corner.focus({ preventScroll: true });
      this.#drag(event, corner, (at) => this.#move(zone, n, at));
    });
    return corner;
  }

  #middle(zone, n) {
    const middle = h("button", {
      type: "button",
      class: "middle",
      tabindex: "-1",
      "aria-hidden": "true",
      title: "One more corner",
    });
    middle.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#insert(zone, n);
      const corner = this.#corners[n + 1];
      this.#drag(event, corner, (at) => this.#move(zone, n + 1, at));
    });
    return middle;
  }

  #move(zone, n, [x, y]) {
    zone.polygon[n] = [clamp(x), clamp(y)];
    this.#place();
    this.#changed();
  }

  #shift(zone, [dx, dy], before) {
    // As a whole it stays in the picture, so that it keeps its shape.
    const within = (delta, axis) =>
      Math.min(1 - Math.max(...before.map((c) => c[axis])), Math.max(-Math.min(...before.map((c) => c[axis])), delta));
    const [x, y] = [within(dx, 0), within(dy, 1)];
    zone.polygon = before.map((corner) => [clamp(corner[0] + x), clamp(corner[1] + y)]);
    this.#place();
    this.#changed();
  }

  #insert(zone, n) {
    if (zone.polygon.length >= MOST_CORNERS) return;
    const [[x, y], [u, v]] = [zone.polygon[n], zone.polygon[(n + 1) % zone.polygon.length]];
    zone.polygon.splice(n + 1, 0, [clamp((x + u) / 2), clamp((y + v) / 2)]);
    this.draw(this.#zones, this.#chosen, n + 1);
    this.#changed();
  }

  #remove(zone, n) {
    if (zone.polygon.length <= 3) return; // fewer enclose nothing
    zone.polygon.splice(n, 1);
    this.draw(this.#zones, this.#chosen, Math.max(0, n - 1));
    this.#changed();
  }

  #at(event) {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  #drag(event, held, moved) {
    event.preventDefault();
    held.setPointerCapture(event.pointerId);
    const over = new AbortController();
    held.addEventListener("pointermove", (move) => moved(this.#at(move)), { signal: over.signal });
    for (const type of ["pointerup", "pointercancel"])
      held.addEventListener(type, () => over.abort(), { signal: over.signal });
  }
}
