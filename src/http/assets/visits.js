// The log of visits: who is there now, and who was.

import { api } from "./api.js";
import { cameras } from "./cameras.js";
import { button, h, say } from "./dom.js";
import { news } from "./news.js";
import { AFTER_FAILURE, sleep } from "./pace.js";
import { ENDED, STARTED, hearing, lasting } from "./recent.js";
import { dateOf, dayElement, serverNow } from "./times.js";
import { visitElement } from "./visit.js";

const PAGE = 24;
/** A page that stays open for days keeps so many. */
const MOST = 480;

/** The log. */
export function visitsPage({ query, signal, title }) {
  title("Visits");
  const asked = {
    camera: query.get("camera") ?? "",
    day: query.get("day") ?? "",
    from: query.get("from") ?? "",
    to: query.get("to") ?? "",
  };
  const now = h("ol", { class: "log" });
  const nowPart = h(
    "section",
    { class: "there-now", id: "there-now", hidden: true, "aria-labelledby": "there-now-title" },
    h("h2", { id: "there-now-title", class: "now" }, h("span", {}, "There now")),
    now,
  );
  const unknown = h("p", { class: "problem", id: "there-unknown", role: "alert" });
  const log = h("div", { id: "visits" });
  const problem = h("p", { class: "problem", role: "alert" });
  const end = h("p", { class: "quiet", role: "status" });
  const more = button("Show earlier ones", () => earlier(), { id: "earlier", hidden: true });
  let cursor = null;
  let turn = 0;

  const camera = h(
    "select",
    { id: "visits-camera", on: { change: () => ask({ camera: camera.value }) } },
    h("option", { value: "" }, "All cameras"),
  );
  const date = h("input", {
    type: "date",
    id: "visits-day",
    value: asked.day,
    on: { change: () => ask({ day: date.value }) },
  });
  const from = h("input", {
    type: "time",
    id: "visits-from",
    value: asked.from,
    on: { change: () => ask({ from: from.value }) },
  });
  const to = h("input", {
    type: "time",
    id: "visits-to",
    value: asked.to,
    on: { change: () => ask({ to: to.value }) },
  });
  const everything = h(
    "button",
    {
      type: "button",
      class: "bare",
      id: "visits-all",
      on: {
        click: () => {
          for (const field of [camera, date, from, to]) field.value = "";
          ask({ camera: "", day: "", from: "", to: "" });
        },
      },
    },
    "Show all",
  );

  cameras.watch((list) => {
    const known = new Map([...camera.options].map((option) => [option.value, option]));
    for (const { id, name } of list) if (!known.has(id)) camera.append(h("option", { value: id }, name));
    if (asked.camera && camera.value !== asked.camera) {
      if (cameras.known && !cameras.find(asked.camera))
        camera.append(h("option", { value: asked.camera }, asked.camera));
      camera.value = asked.camera;
    }
  }, signal);

  /** The stretch of time that is asked for; open where nothing is said. */
  function span() {
    if (!asked.day) return {};
    const at = (time, otherwise) => new Date(`${asked.day}T${time || otherwise}`);
    const begin = at(asked.from, "00:00");
    let until = asked.to ? at(asked.to) : new Date(at("00:00").setDate(at("00:00").getDate() + 1));
    if (until <= begin) until = new Date(until.setDate(until.getDate() + 1)); // over midnight
    return { since: begin.toISOString(), before: until.toISOString() };
  }

  function ask(change) {
    if (change.camera !== undefined) {
      now.replaceChildren();
      nowPart.hidden = true;
    }
    Object.assign(asked, change);
    if ((asked.from || asked.to) && !asked.day) {
      asked.day = date.value = dateOf(Date.now());
    }
    const kept = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
    history.replaceState(null, "", kept.size > 0 ? `#/visits?${kept}` : "#/visits");
    begin();
  }

  async function begin() {
    turn += 1;
    everything.hidden = !Object.values(asked).some(Boolean);
    cursor = null;
    await Promise.all([earlier(true), there()]);
  }

  async function there() {
    const mine = turn;
    let list;
    try {
      list = isPast() ? [] : await lasting(asked.camera, signal);
    } catch (told) {
      if (signal.aborted || mine !== turn) return;
      say(unknown, `Who is there now could not be found out. ${told.message}`);
      sleep(AFTER_FAILURE, signal).then(() => mine === turn && there());
      return;
    }
    if (signal.aborted || mine !== turn) return;
    say(unknown, "");
    now.replaceChildren(...list.map((event) => visitElement(event)));
    nowPart.hidden = list.length === 0;
  }

  async function earlier(anew = cursor === null) {
    const mine = turn;
    const { camera } = asked;
    const { since, before } = span();
    more.hidden = true;
    say(problem, "");
    try {
      const { answer: events, ended } = await hearing(camera, () =>
        api.events({ camera, type: ENDED, since, before: cursor ?? before, limit: PAGE }, signal),
      );
      if (mine !== turn) return;
      if (anew) log.replaceChildren();
      for (const event of events) append(event);
      if (anew && !isPast()) for (const event of ended.reverse()) prepend(event);
      cursor = events.at(-1)?.time ?? cursor;
      more.hidden = events.length < PAGE;
      say(end, more.hidden ? (log.childElementCount > 0 ? "That is all." : "Nobody came.") : "");
    } catch (told) {
      if (signal.aborted || mine !== turn) return;
      say(problem, told.message);
      more.hidden = false;
    }
  }

  const endOf = (event) => event.data.visit.ended_at ?? event.time;

  function dayPart(event) {
    const date = dateOf(endOf(event));
    return [...log.children].find((part) => part.dataset.day === date) ?? null;
  }

  function newPart(event) {
    const time = endOf(event);
    const heading = h("h2", {}, dayElement(time));
    return h("section", { class: "day", data: { day: dateOf(time) } }, heading, h("ol", { class: "log" }));
  }

  const isShown = (event) => log.querySelector(`[data-event="${CSS.escape(event.id)}"]`) !== null;

  function append(event) {
    if (isShown(event)) return;
    let part = dayPart(event);
    if (!part) log.append((part = newPart(event)));
    part.lastElementChild.append(visitElement(event));
  }

  function prepend(event) {
    if (isShown(event)) return;
    let part = dayPart(event);
    if (!part) log.prepend((part = newPart(event)));
    part.lastElementChild.prepend(visitElement(event));
    trim();
    if (more.hidden) say(end, "That is all.");
  }

  /** Lets the oldest go; what is asked for next begins where the rest ends. */
  function trim() {
    const rows = log.querySelectorAll(".visit");
    if (rows.length <= MOST) return;
    for (const row of [...rows].slice(MOST - PAGE)) row.remove();
    for (const part of [...log.children]) if (part.lastElementChild.childElementCount === 0) part.remove();
    cursor = rows[MOST - PAGE - 1].dataset.time;
    more.hidden = false;
    say(end, "");
  }

  const concerns = (event) => !asked.camera || event.data.camera?.id === asked.camera;
  const isPast = () => {
    const { before } = span();
    return before && new Date(before) < serverNow();
  };
  const rowOf = (event) => [...now.children].find((row) => row.dataset.visit === event.data.visit.id);
  news.on(
    STARTED,
    (event) => {
      if (!concerns(event) || isPast() || rowOf(event)) return;
      now.prepend(visitElement(event));
      nowPart.hidden = false;
    },
    signal,
  );
  news.on(
    ENDED,
    (event) => {
      if (!concerns(event)) return;
      rowOf(event)?.remove();
      nowPart.hidden = now.childElementCount === 0;
      if (!isPast()) prepend(event);
    },
    signal,
  );
  news.on("lookout.gap", begin, signal);
  begin();

  const field = (label, input) => h("label", { class: "field" }, h("span", {}, label), input);
  return h(
    "div",
    { class: "page", id: "visits-page" },
    h(
      "div",
      { class: "headline" },
      h("h1", {}, "Visits"),
      h("p", { class: "summary" }, "Everybody who came into view, one entry a visit."),
    ),
    h(
      "div",
      { class: "sieve", role: "search", "aria-label": "Which visits" },
      field("Camera", camera),
      field("Day", date),
      field("From", from),
      field("To", to),
      everything,
    ),
    unknown,
    nowPart,
    log,
    problem,
    end,
    h("div", { class: "row middle-row" }, more),
  );
}
