// Who was told, and who was not.

import { api } from "./api.js";
import { button, h, mark, say } from "./dom.js";
import { news } from "./news.js";
import { again, soon } from "./pace.js";
import { cameraAddress } from "./router.js";
import { mayChange } from "./session.js";
import { agoElement, whole } from "./times.js";
import { toast } from "./toasts.js";
import { counted, delivery, deliveryStates, latency, number, type } from "./words.js";

const PAGE = 50;

/** The page of deliveries. */
export function deliveriesPage({ query, signal, title }) {
  title("Reports");
  const asked = { state: query.get("state") ?? "", sink: query.get("sink") ?? "" };
  const sinks = h("ul", { class: "sinks", id: "sinks" });
  const body = h("tbody", { id: "deliveries" });
  const problem = h("p", { class: "problem", role: "alert" });
  const end = h("p", { class: "quiet", role: "status" });
  const more = button("Show earlier ones", () => earlier(), { id: "earlier", hidden: true });
  const chips = ["", ...deliveryStates].map((state) =>
    h(
      "button",
      { type: "button", class: "chip", data: { state }, on: { click: () => ask({ state }) } },
      state ? delivery(state).word : "All",
    ),
  );
  const sink = h(
    "select",
    { id: "deliveries-sink", "aria-label": "Receiver", on: { change: () => ask({ sink: sink.value }) } },
    h("option", { value: "" }, "All receivers"),
  );
  const retryAll = button(
    "Try all that were given up again",
    () => retry(() => api.retryAll(asked.sink || undefined)),
    { id: "retry-all", hidden: true },
  );
  let cursor = null;
  let turn = 0;

  async function status() {
    const { sinks: list } = await api.status(signal);
    const known = new Set([...sink.options].map(({ value }) => value));
    for (const { name } of list) if (!known.has(name)) sink.append(h("option", { value: name }, name));
    sink.value = asked.sink;
    sinks.replaceChildren(
      ...(list.length > 0
        ? list.map(receiver)
        : [h("li", { class: "quiet" }, "Nobody is to be told: the settings name no receiver.")]),
    );
    const dead = list
      .filter(({ name }) => !asked.sink || name === asked.sink)
      .reduce((sum, one) => sum + one.dead_letters, 0);
    retryAll.hidden = !mayChange() || dead === 0;
  }

  function ask(change) {
    Object.assign(asked, change);
    const kept = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
    history.replaceState(null, "", kept.size > 0 ? `#/deliveries?${kept}` : "#/deliveries");
    begin();
  }

  function begin() {
    turn += 1;
    cursor = null;
    for (const chip of chips) mark(chip, "aria-pressed", String(chip.dataset.state === asked.state));
    requestAnimationFrame(() =>
      chips.find((chip) => chip.dataset.state === asked.state)?.scrollIntoView({ inline: "nearest", block: "nearest" }),
    );
    status().catch(() => {});
    return earlier(true);
  }

  async function earlier(anew = false) {
    const mine = turn;
    more.hidden = true;
    say(problem, "");
    try {
      const list = await api.deliveries({ state: asked.state, sink: asked.sink, before: cursor, limit: PAGE }, signal);
      if (mine !== turn) return;
      const rows = list.map(row);
      if (anew) body.replaceChildren(...rows);
      else body.append(...rows);
      cursor = list.at(-1)?.seq ?? cursor;
      more.hidden = list.length < PAGE;
      say(
        end,
        !more.hidden
          ? ""
          : body.childElementCount > 0
            ? "That is all."
            : asked.state === "dead"
              ? "Nothing was given up."
              : "There is nothing like that.",
      );
    } catch (told) {
      if (signal.aborted) return;
      say(problem, told.message);
      more.hidden = false;
    }
  }

  async function retry(work) {
    say(problem, "");
    try {
      const { retried } = await work();
      toast(`${counted(retried, "report")} will be tried again`, { tone: "good" });
      await begin();
    } catch (told) {
      say(problem, told.message);
    }
  }

  function row(one) {
    const { word, tone } = delivery(one.state);
    const next = one.next_attempt_at && h("span", { class: "quiet" }, "next attempt ", agoElement(one.next_attempt_at));
    const anew =
      one.state === "dead" &&
      mayChange() &&
      button("Try again", () => retry(() => api.retry(one.event, one.sink)), {
        class: "small-button",
        "aria-label": `Tell ${one.sink} again`,
        data: { retry: one.event },
      });
    const at = one.delivered_at
      ? h(
          "span",
          { class: "quiet", title: whole(one.delivered_at) },
          `after ${latency(Math.max(0, (new Date(one.delivered_at) - new Date(one.recorded_at)) / 1000))}`,
        )
      : null;
    return h(
      "tr",
      { data: { event: one.event, sink: one.sink, state: one.state } },
      h("td", { data: { label: "When" } }, agoElement(one.recorded_at)),
      h(
        "td",
        { data: { label: "What" } },
        type(one.type),
        one.camera && [", ", h("a", { href: cameraAddress(one.camera) }, one.camera)],
      ),
      h("td", { data: { label: "To" } }, one.sink),
      h(
        "td",
        { data: { label: "How far" } },
        h("span", { class: "pill", data: { tone } }, word),
        at,
        next,
        one.attempts > 0 && h("span", { class: "quiet" }, counted(one.attempts, "failed attempt")),
      ),
      h(
        "td",
        { data: { label: "Why not" }, class: "error-text" },
        one.state === "delivered" ? "" : (one.last_error ?? ""),
      ),
      h("td", { class: "act" }, anew || ""),
    );
  }

  again(5000, signal, status);
  // What is told next changes the first page; it is read anew only while nobody has read on or holds a button of it.
  const readAnew = soon(3000, signal, async () => {
    const isAtTop = body.childElementCount <= PAGE + 10 && scrollY < 200;
    if (isAtTop && !body.contains(document.activeElement)) await begin();
  });
  news.on("*", readAnew, signal);
  begin();

  return h(
    "div",
    { class: "page", id: "deliveries-page" },
    h(
      "div",
      { class: "headline" },
      h("h1", {}, "Reports"),
      h("p", { class: "summary" }, "Who was told of what, and who was not yet."),
    ),
    sinks,
    h(
      "div",
      { class: "sieve" },
      h("div", { class: "chips", role: "group", "aria-label": "How far" }, chips),
      sink,
      h("span", { class: "gap" }),
      retryAll,
    ),
    problem,
    h(
      "table",
      { class: "deliveries" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          ["When", "What", "To", "How far", "Why not", ""].map((word) =>
            word ? h("th", { scope: "col" }, word) : h("td", {}),
          ),
        ),
      ),
      body,
    ),
    end,
    h("div", { class: "row middle-row" }, more),
  );
}

function receiver(sink) {
  const { disabled, consecutive_failures: failures, last_error: error, last_delivered_at: last } = sink.state;
  const tone = disabled || sink.dead_letters > 0 ? "bad" : failures > 0 ? "bad" : "good";
  const word = disabled ? "Wants no more" : failures > 0 ? `${counted(failures, "failure")} in a row` : "Well";
  return h(
    "li",
    { class: "card sink", data: { tone, sink: sink.name } },
    h("h2", {}, sink.name),
    h("p", { class: "quiet target" }, sink.target),
    h(
      "p",
      { class: "state" },
      h("span", { class: "lamp", "aria-hidden": "true" }),
      word,
      last && h("span", { class: "quiet" }, " last told ", agoElement(last)),
    ),
    h(
      "dl",
      { class: "counts" },
      [
        ["delivered", sink.delivered],
        ["on their way", sink.pending],
        ["given up", sink.dead_letters],
        ["in digests", sink.gathered],
      ].map(([label, count]) => h("div", {}, h("dd", {}, number(count)), h("dt", {}, label))),
    ),
    (disabled || failures > 0) && error && h("p", { class: "problem" }, error),
  );
}
