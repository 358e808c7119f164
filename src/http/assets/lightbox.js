// The pictures of a visit, large.

import { snapshotOf } from "./api.js";
import { Boxes } from "./boxes.js";
import { h, mark } from "./dom.js";
import { icon } from "./icons.js";
import { exactClock } from "./times.js";

/** Shows the pictures of an event; `title` says of what. */
export function openLightbox(event, title) {
  const frames = event.data.snapshot?.frames ?? [];
  const boxes = new Boxes();
  const image = h("img", { alt: title });
  const picture = h("div", { class: "large" }, image, boxes.element);
  const { width, height } = event.data.frame ?? {};
  if (width) picture.style.setProperty("--shape", `${width} / ${height}`);
  const strip = h(
    "div",
    { class: "strip", role: "group", "aria-label": "Pictures of this visit" },
    frames.length > 1 && frames.map((frame, n) => thumb(frame, n)),
  );
  const close = h(
    "button",
    { type: "button", class: "bare round", "aria-label": "Close", on: { click: () => dialog.close() } },
    icon("close"),
  );
  const dialog = h(
    "dialog",
    {
      class: "lightbox",
      "aria-label": title,
      on: { close: () => dialog.remove(), click: (press) => press.target === dialog && dialog.close() },
    },
    h("div", { class: "row between" }, h("h2", {}, title), close),
    picture,
    strip,
  );

  function thumb(frame, n) {
    return h(
      "button",
      { type: "button", class: "thumb", on: { click: () => show(n) } },
      h("img", { src: snapshotOf(event.id, n), alt: `${n + 1} of ${frames.length}`, loading: "lazy" }),
      h("span", {}, exactClock(frame.captured_at)),
    );
  }

  function show(n) {
    image.src = snapshotOf(event.id, n);
    // The boxes are those of the one frame that decided.
    boxes.show(
      n === undefined || frames[n]?.captured_at === event.data.frame?.captured_at ? event.data.detections : [],
    );
    [...strip.children].forEach((thumb, at) => mark(thumb, "aria-current", at === n ? "true" : null));
  }

  dialog.addEventListener("keydown", ({ key }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!step || frames.length < 2) return;
    const at = [...strip.children].findIndex((thumb) => thumb.hasAttribute("aria-current"));
    show(at < 0 ? 0 : (at + step + frames.length) % frames.length);
  });
  document.body.append(dialog);
  show(undefined);
  dialog.showModal();
}
