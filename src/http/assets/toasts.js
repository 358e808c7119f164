// Short words about what just happened, seen in a corner and read aloud.

import { h } from "./dom.js";

const SHOWN_FOR = 9000;
const AT_ONCE = 3;

/** The corner. */
export const corner = h("div", { class: "toasts", role: "status", "aria-live": "polite", "aria-label": "News" });

/** Says something; `href` leads to more. */
export function toast(text, { href, tone = "idle" } = {}) {
  const words = href ? h("a", { href }, text) : h("span", {}, text);
  const shut = h(
    "button",
    { type: "button", class: "bare", "aria-label": "Close", on: { click: () => note.remove() } },
    "×",
  );
  const note = h("div", { class: "toast", data: { tone } }, words, shut);
  corner.append(note);
  while (corner.children.length > AT_ONCE) corner.firstElementChild.remove();
  let timer = setTimeout(() => note.remove(), SHOWN_FOR);
  const stay = () => clearTimeout(timer);
  const go = () => (timer = setTimeout(() => note.remove(), SHOWN_FOR / 2));
  for (const type of ["pointerenter", "focusin"]) note.addEventListener(type, stay);
  for (const type of ["pointerleave", "focusout"]) note.addEventListener(type, go);
}
