// When a camera was gone, and why.

import { api } from "./api.js";
import { h } from "./dom.js";
import { news } from "./news.js";
import { AFTER_FAILURE, sleep, soon } from "./pace.js";
import { between, clock, clockElement, dayElement, whole } from "./times.js";
import { reason } from "./words.js";

const SHOWN = 20;
const [DOWN, UP] = ["lookout.camera.down", "lookout.camera.up"];

/** The outages of a camera, the newest first; `streams` tells whether it streams now. */
export function outages(id, streams, signal) {
  const list = h("ol", { class: "outages" });
  const element = h(
    "section",
    { class: "card", "aria-labelledby": "outages-title" },
    h("h2", { id: "outages-title" }, "When it was gone"),
    list,
  );
  async function show() {
    const [downs, ups] = await Promise.all(
      [DOWN, UP].map((type) => api.events({ camera: id, type, limit: SHOWN }, signal)),
    );
    const found = pair(downs, ups, streams());
    list.replaceChildren(
      ...(found.length > 0 ? found.map(row) : [h("li", { class: "quiet" }, "Never, as far back as is remembered.")]),
    );
  }
  const again = soon(1000, signal, () =>
    show().catch((problem) => {
      if (signal.aborted) return;
      list.replaceChildren(h("li", { class: "problem" }, problem.message));
      sleep(AFTER_FAILURE, signal).then(again);
    }),
  );
  for (const type of [DOWN, UP]) news.on(type, (event) => event.data.camera?.id === id && again(), signal);
  news.on("lookout.gap", again, signal);
  again();
  return element;
}

/** An outage is a `down` and the next `up`, if it came: none does of a camera that was stopped or removed meanwhile. */
function pair(downs, ups, streams) {
  const rising = ups.map((event) => ({ event, at: new Date(event.time) })).reverse();
  return downs.map(({ time, data }, n) => {
    const next = n > 0 ? new Date(downs[n - 1].time) : Infinity;
    const up = rising.find(({ at }) => at > new Date(time) && at <= next);
    return { from: data.down_since ?? time, to: up?.event.time ?? null, lasts: !up && n === 0 && !streams, reason: data.reason };
  });
}

function row({ from, to, lasts, reason: why }) {
  const end = to ? [" – ", clockElement(to)] : lasts ? [" – still"] : [" – …"];
  return h(
    "li",
    { class: lasts ? "open" : null },
    h(
      "p",
      { class: "when", title: whole(from) },
      dayElement(from, { class: "day" }),
      " ",
      clockElement(from, clock(from)),
      end,
      to && h("span", { class: "quiet" }, ` ${between(from, to)}`),
    ),
    h("p", {}, why ? reason(why.code) : "It did not stream"),
    why?.message && h("p", { class: "quiet" }, why.message),
  );
}
