// One camera: live, in figures, and over time.

import { api } from "./api.js";
import { Chart } from "./charts.js";
import { Controls } from "./controls.js";
import { h, mark, say } from "./dom.js";
import { Account, Facts } from "./facts.js";
import { icon } from "./icons.js";
import { news } from "./news.js";
import { outages } from "./outages.js";
import { again, soon } from "./pace.js";
import { sample, samplesOf } from "./samples.js";
import { recentVisits } from "./recent.js";
import { Stage } from "./stage.js";
import { retime, serverNow, sinceElement } from "./times.js";
import { toast } from "./toasts.js";
import { latency, people, state, stateLine } from "./words.js";
import { zoneLines } from "./zone_lines.js";
import { ZoneEditor } from "./zones.js";

const EVERY = 1000;
/** A camera that is not there may be added again. */
const MISSING_EVERY = 3000;

/** The page of a camera. */
export function cameraPage({ params: [id], signal: left, title, anew }) {
  const missing = new AbortController();
  const signal = AbortSignal.any([left, missing.signal]);
  const page = h("div", { class: "page camera", id: "camera-page", data: { camera: id } });
  const heading = h("h1", {}, id);
  const stage = new Stage(id, signal);
  const [facts, account] = [new Facts(), new Account()];
  const samples = samplesOf(id);
  const late = new Chart(
    "From a picture's arrival to what is in it",
    [
      { key: "p50", label: "half of them within", tone: "one" },
      { key: "p99", label: "nearly all within", tone: "two" },
    ],
    (ms) => latency(ms / 1000),
  );
  const rates = new Chart(
    "Pictures a second",
    [
      { key: "received", label: "received", tone: "three" },
      { key: "decoded", label: "decoded", tone: "one" },
      { key: "detected", label: "looked at", tone: "two" },
    ],
    (value) => value.toFixed(value < 10 ? 1 : 0),
  );
  const lamp = h("span", { class: "lamp", "aria-hidden": "true" });
  const word = h("span", { class: "word", id: "camera-state" });
  const since = sinceElement(new Date(serverNow()).toISOString(), { class: "age" });
  const inView = h("span", { class: "people", hidden: true }, icon("person"), h("span", {}));
  const why = h("p", { class: "why", id: "camera-reason", hidden: true });
  let entry = null;

  const look = async () => {
    try {
      show(await api.camera(id, signal));
    } catch (problem) {
      if (signal.aborted) return;
      if (problem.status === 404) return gone(problem);
      throw problem;
    }
  };
  const controls = new Controls(id, look);

  function show(camera) {
    title(camera.name);
    say(heading, camera.name);
    mark(page, "data-state", camera.state);
    mark(page, "data-tone", state(camera).tone);
    say(word, stateLine(camera));
    retime(since, camera.down_since ?? camera.since);
    const isOutside = camera.people === 0 && camera.detections?.length > 0 && entry?.settings.zones?.length > 0;
    inView.hidden = !((camera.people > 0 || isOutside) && camera.state === "streaming");
    say(inView.lastChild, isOutside ? "Somebody, outside of the zones" : `${people(camera.people)} in view`);
    why.hidden = !camera.reason;
    say(why, camera.reason?.message);
    controls.show(camera, camera.origin);
    stage.update(camera);
    facts.show(camera);
    account.show(camera);
    sample(samples, camera);
    late.show(samples);
    rates.show(samples);
    if (!entry && mayLearn) learnSoon();
  }

  function gone(problem) {
    missing.abort();
    title("No such camera");
    page.replaceChildren(
      h("h1", {}, "No such camera"),
      h("p", {}, problem.message),
      h("p", {}, h("a", { href: "#/" }, "All cameras")),
    );
    again(MISSING_EVERY, left, async () => {
      try {
        await api.camera(id, left);
      } catch (other) {
        if (other.status === 404) return;
        throw other;
      }
      anew();
    });
  }

  const zonesButton = h(
    "button",
    { type: "button", id: "zones", class: "glass", hidden: true, on: { click: editZones } },
    "Zones",
  );
  stage.boxesButton.before(zonesButton);
  const zonesPlace = h("div", { class: "zones-place" });

  async function learn() {
    entry = await api.settings(id, signal);
    zonesButton.hidden = false;
    if (!zonesPlace.hasChildNodes()) drawLines();
  }

  const drawLines = () => stage.over.replaceChildren(zoneLines(entry.settings.zones ?? []));

  let mayLearn = true;
  const learnSoon = soon(5000, signal, async () => {
    if (entry) return; // learnt while this waited
    await learn().catch((problem) => {
      mayLearn = problem.status !== 403; // who may not read the settings has no zones to edit
    });
  });

  async function editZones() {
    try {
      await learn(); // somebody else may have changed them since
    } catch (problem) {
      if (!signal.aborted) toast(problem.message, { tone: "bad" });
      return;
    }
    mark(stage.element, "data-editing", true);
    const editor = new ZoneEditor(id, entry, { shut });
    stage.over.replaceChildren(editor.canvas.element);
    zonesPlace.replaceChildren(editor.element);
    editor.element.querySelector("#new-zone").focus({ preventScroll: true });
    stage.element.scrollIntoView(); // the editor is beside it or below it
  }

  function shut() {
    mark(stage.element, "data-editing", null);
    zonesPlace.replaceChildren();
    drawLines();
    zonesButton.focus();
  }

  page.append(
    h(
      "div",
      { class: "headline" },
      h("a", { class: "back", href: "#/" }, icon("back"), "All cameras"),
      h("div", { class: "title-row" }, heading, h("p", { class: "state" }, lamp, word, since, inView)),
    ),
    h(
      "div",
      { class: "columns" },
      h(
        "div",
        { class: "wide" },
        stage.element,
        h(
          "section",
          { class: "card charts", "aria-label": "The last minutes" },
          late.element,
          rates.element,
          account.element,
        ),
        recentVisits(id, signal),
      ),
      h(
        "div",
        { class: "narrow" },
        zonesPlace,
        h(
          "section",
          { class: "card about-now", "aria-labelledby": "now-title" },
          h("h2", { id: "now-title", class: "now" }, h("span", {}, "Now")),
          why,
          controls.element,
          facts.element,
        ),
        outages(id, () => page.dataset.state === "streaming", signal),
      ),
    ),
  );
  again(EVERY, signal, look);
  const lookSoon = soon(500, signal, () => look().catch(() => {})); // the next time comes anyway
  news.on("*", (event) => event.data?.camera?.id === id && lookSoon(), signal);
  news.addEventListener("state", () => news.state === "open" && lookSoon(), { signal });
  return page;
}
