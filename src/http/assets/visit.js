// One visit in the log.

import { snapshotOf } from "./api.js";
import { h } from "./dom.js";
import { openLightbox } from "./lightbox.js";
import { cameraAddress } from "./router.js";
import { between, clockElement, serverNow, sinceElement, stretch } from "./times.js";
import { people } from "./words.js";

/** A picture that has just been taken may still be on its way to the disk. */
const TRIES = [1500, 4000, 10_000];

/** A visit, of its end or, while it lasts, of its start. */
export function visitElement(event, { withCamera = true } = {}) {
  const { camera, visit, zone } = event.data;
  const lasts = !visit.ended_at;
  const where = [withCamera && camera?.name, zone].filter(Boolean).join(", ");
  const title = `${people(visit.peak_count)}${where ? `, ${where}` : ""}`;
  const times = lasts
    ? [clockElement(visit.started_at), sinceElement(visit.started_at, { class: "quiet" })]
    : [
        clockElement(visit.started_at, stretch(visit.started_at, visit.ended_at)),
        h("span", { class: "quiet" }, between(visit.started_at, visit.ended_at)),
      ];
  return h(
    "li",
    { class: lasts ? "visit lasts" : "visit", data: { visit: visit.id, event: event.id, time: event.time } },
    h("p", { class: "when" }, times),
    snapshot(event, title),
    h(
      "p",
      { class: "what" },
      withCamera && camera && h("a", { href: cameraAddress(camera.id) }, camera.name),
      zone && h("span", { class: "zone-name" }, zone),
      h(
        "span",
        { class: "count" },
        visit.peak_count > 1 ? `up to ${people(visit.peak_count)}` : people(visit.peak_count),
      ),
    ),
  );
}

function snapshot(event, title) {
  const image = h("img", { alt: "", loading: "lazy", decoding: "async" });
  const picture = h(
    "button",
    {
      type: "button",
      class: "picture",
      "aria-label": `Picture: ${title}`,
      on: { click: () => openLightbox(event, title) },
    },
    image,
  );
  let tries = 0;
  const fresh = serverNow() - new Date(event.time) < 60_000;
  image.addEventListener("error", () => {
    const pause = fresh ? TRIES[tries] : undefined;
    tries += 1;
    if (pause === undefined) picture.replaceWith(h("p", { class: "picture no-picture" }, "No picture"));
    // The same address again would be taken from memory as failed.
    else
      setTimeout(
        () => picture.isConnected && (image.removeAttribute("src"), (image.src = snapshotOf(event.id))),
        pause,
      );
  });
  image.src = snapshotOf(event.id);
  return picture;
}
