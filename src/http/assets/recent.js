// The newest visits: those that last, and those at one camera.

import { api } from "./api.js";
import { h } from "./dom.js";
import { news } from "./news.js";
import { AFTER_FAILURE, sleep, soon } from "./pace.js";
import { visitElement } from "./visit.js";

export const STARTED = "lookout.visit.started";
export const ENDED = "lookout.visit.ended";
/** So far back is looked for visits that last; who stays longer than so many others come is not shown. */
const LOOKED_BACK = 200;

const idsOf = (events) => new Set(events.map(({ data }) => data.visit.id));

/** The answer to a question, and the visits that were heard to begin or end while it was under way. */
export async function hearing(camera, question) {
  const heard = { [STARTED]: [], [ENDED]: [] };
  const answered = new AbortController();
  for (const type of [STARTED, ENDED])
    news.on(type, (event) => (!camera || event.data.camera?.id === camera) && heard[type].unshift(event), answered.signal);
  try {
    return { answer: await question(), started: heard[STARTED], ended: heard[ENDED] };
  } finally {
    answered.abort();
  }
}

/** The visits that last, the newest first. An end tells everything about a visit, so only these are known by their start. */
export async function lasting(camera, signal) {
  const { answer, started, ended } = await hearing(camera, async () => {
    const starts = await api.events({ camera, type: STARTED, limit: LOOKED_BACK }, signal);
    const since = starts.at(-1)?.time;
    return [starts, since ? await api.events({ camera, type: ENDED, since, limit: 1000 }, signal) : []];
  });
  const [starts, ends] = answer;
  const [known, over] = [idsOf(starts), idsOf([...ends, ...ended])];
  const begun = started.filter(({ data }) => !known.has(data.visit.id));
  return [...begun, ...starts].filter(({ data }) => !over.has(data.visit.id));
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
    const over = idsOf(ended); // since the first question
    const events = [...open.filter(({ data }) => !over.has(data.visit.id)), ...ended].slice(0, 8);
    const shown = new Map([...list.children].map((row) => [row.dataset.event, row]));
    list.replaceChildren(
      ...(events.length > 0
        ? events.map((event) => shown.get(event.id) ?? visitElement(event, { withCamera: false }))
        : [h("li", { class: "quiet" }, "Nobody came yet.")]),
    );
  }
  const again = soon(1000, signal, () =>
    show().catch((problem) => {
      if (signal.aborted) return;
      list.replaceChildren(h("li", { class: "problem" }, problem.message));
      sleep(AFTER_FAILURE, signal).then(again);
    }),
  );
  for (const type of [STARTED, ENDED]) news.on(type, (event) => event.data.camera?.id === id && again(), signal);
  news.on("lookout.gap", again, signal);
  again();
  return element;
}
