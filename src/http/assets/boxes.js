// What was seen, drawn over the picture.

import { h } from "./dom.js";

/** A layer for boxes, to lie over a picture of the same shape. */
export class Boxes {
  element = h("div", { class: "boxes", "aria-hidden": "true" });

  /** Draws these, instead of those before: `{ label, score, box: [x, y, w, h] }` in parts of the picture. */
  show(detections) {
    const list = detections ?? [];
    while (this.element.children.length > list.length) this.element.lastElementChild.remove();
    list.forEach(({ label, score, box }, n) => {
      const drawn = this.element.children[n] ?? this.element.appendChild(h("div", { class: "box" }, h("span", {})));
      const [x, y, w, height] = box.map((part) => `${(100 * Math.min(1, Math.max(0, part))).toFixed(2)}%`);
      Object.assign(drawn.style, { left: x, top: y, width: w, height });
      drawn.firstChild.textContent = `${label ?? "person"} ${Math.round(score * 100)} %`;
    });
  }
}
