// The newest visits: those that last, and those at one camera.

import { api } from "./api.js";
import { h } from "./dom.js";
import { news } from "./news.js";
import { soon } from "./pace.js";
import { visitElement } from "./visit.js";

export const STARTED = "lookout.visit.started";
export const ENDED = "lookout.visit.ended";
/** So far back is looked for visits that last; who stays longer than so many others come is not shown. */
const LOOKED_BACK = 200;

/** The visits that last, the newest first. An end tells everything about a visit, so only these are known by their start. */
export async function lasting(camera, signal) {
  const starts = await api.events({ camera, type: STARTED, limit: LOOKED_BACK }, signal);
  if (starts.length === 0) return [];
  const ends = await api.events({ camera, type: ENDED, since: starts.at(-1).time, limit: 1000 }, signal);
  const ended = new Set(ends.map(({ data }) => data.visit.id));
  return starts.filter(({ data }) => !ended.has(data.visit.id));
}

/** The newest visits at one camera. */
export function recentVisits(id, signal) {
  const list = h("ol", { class: "strip-log" });
  const element = h(
    "section",
    { class: "card", "aria-labelledby": "recent-title" },
    h(
      "div",
      { class: "row between" },
      h("h2", { id: "recent-title" }, "Visits"),
      h("a", { href: `#/visits?camera=${encodeURIComponent(id)}` }, "All of them"),
    ),
    list,
  );
  async function show() {
    const [open, ended] = await Promise.all([
      lasting(id, signal),
      api.events({ camera: id, type: ENDED, limit: 8 }, signal),
    ]);
    const events = [...open, ...ended].slice(0, 8);
    const shown = new Map([...list.children].map((row) => [row.dataset.event, row]));
    list.replaceChildren(
      ...(events.length > 0
        ? events.map((event) => shown.get(event.id) ?? visitElement(event, { withCamera: false }))
        : [h("li", { class: "quiet" }, "Nobody came yet.")]),
    );
  }
  const again = soon(1000, signal, () =>
    show().catch((problem) => signal.aborted || list.replaceChildren(h("li", { class: "problem" }, problem.message))),
  );
  for (const type of [STARTED, ENDED]) news.on(type, (event) => event.data.camera?.id === id && again(), signal);
  news.on("lookout.gap", again, signal);
  again();
  return element;
}
