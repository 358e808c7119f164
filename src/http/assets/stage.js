// The large picture of one camera: its newest still, live over it, and over that what was seen.

import { api } from "./api.js";
import { Boxes } from "./boxes.js";
import { h, mark, remember, remembered, say } from "./dom.js";
import { icon } from "./icons.js";
import { LivePlayer } from "./player.js";
import { again } from "./pace.js";

/** Boxes older than this are of another scene. */
const BOXES_HOLD = 6000;

export class Stage {
  #camera = null;
  #shown = null;
  #url = null;
  #signal;
  #live = { state: "off" };
  #wantsLive = !matchMedia("(prefers-reduced-data: reduce)").matches;
  #seenAt = { at: null, heard: 0 };

  constructor(id, signal) {
    this.#signal = signal;
    this.image = h("img", { class: "still", alt: "", hidden: true });
    this.host = h("div", { class: "screen" }, this.image);
    this.boxes = new Boxes();
    /** What else is to lie over the picture. */
    this.over = h("div", { class: "over" });
    this.empty = h("p", { class: "no-picture" }, "No picture yet");
    this.word = h("span", { class: "live-word", role: "status", id: "live-state" });
    this.liveButton = h("button", {
      type: "button",
      id: "live",
      class: "with-icon glass",
      on: { click: () => this.toggle() },
    });
    this.soundButton = h("button", {
      type: "button",
      id: "sound",
      class: "round glass",
      hidden: true,
      on: { click: () => this.#letHear(this.player.isMuted) },
    });
    this.boxesButton = h(
      "button",
      {
        type: "button",
        id: "boxes",
        class: "glass",
        on: { click: () => this.#drawBoxes(this.boxesButton.getAttribute("aria-pressed") !== "true") },
      },
      "Boxes",
    );
    this.element = h(
      "section",
      { class: "stage", "aria-label": "Picture" },
      this.host,
      this.empty,
      this.boxes.element,
      this.over,
      h(
        "div",
        { class: "bar" },
        this.liveButton,
        this.word,
        h("span", { class: "gap" }),
        this.soundButton,
        this.boxesButton,
        this.#fullButton(),
      ),
    );
    this.player = new LivePlayer(this.host, id, (told) => this.#tell(told));
    this.#letHear(false);
    this.#drawBoxes(remembered("boxes", "true") === "true");
    signal.addEventListener("abort", () => this.#end(), { once: true });
    again(1000, signal, () => this.#still(id));
    this.#tell({ state: "off" });
  }

  /** What is known of the camera now. */
  update(camera) {
    this.#camera = camera;
    const { stream } = camera;
    if (stream?.width) this.element.style.setProperty("--shape", `${stream.width} / ${stream.height}`);
    const at = camera.detections_at ?? camera.last_detection_at;
    if (at !== this.#seenAt.at) this.#seenAt = { at, heard: performance.now() };
    const fresh = camera.state === "streaming" && at && performance.now() - this.#seenAt.heard < BOXES_HOLD;
    this.boxes.show(fresh ? camera.detections : []);
    const may = camera.state === "streaming" || camera.state === "connecting";
    mark(this.liveButton, "disabled", !may);
    mark(this.element, "data-state", camera.state);
    // What was live is so again when the camera is back.
    if (camera.state === "streaming" && this.#wantsLive && !this.player.isOn) this.player.start();
    if (!may && this.player.isOn) this.player.stop();
  }

  toggle() {
    this.#wantsLive = !this.player.isOn;
    if (this.#wantsLive) this.player.start();
    else this.player.stop();
  }

  #tell(told) {
    this.#live = told;
    const { state, detail, form } = told;
    const on = state !== "off";
    this.soundButton.hidden = !told.sound;
    this.liveButton.replaceChildren(icon(on ? "stop" : "live"), "Live");
    mark(this.liveButton, "aria-pressed", String(on));
    mark(this.liveButton, "title", on ? "Stop the live view" : "Show it live");
    mark(this.element, "data-live", on ? state : null);
    say(
      this.word,
      {
        starting: "Connecting …",
        live: form === "slides" ? "Live, key pictures only" : "Live",
        waiting: `Trying again: ${detail}`,
        off: "",
      }[state],
    );
  }

  async #still(id) {
    const wanted = this.#camera?.last_detection_at;
    if (!wanted || wanted === this.#shown || this.#live.state === "live") return;
    const answer = await api.frame(id, { signal: this.#signal });
    const url = URL.createObjectURL(await answer.blob());
    this.#shown = wanted;
    this.image.src = url;
    this.image.hidden = false;
    this.empty.hidden = true;
    await this.image.decode().catch(() => {});
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = url;
    // A camera that never streamed in this life tells no shape; its picture does.
    if (!this.#camera.stream && this.image.naturalWidth)
      this.element.style.setProperty("--shape", `${this.image.naturalWidth} / ${this.image.naturalHeight}`);
  }

  #letHear(on) {
    this.player.isMuted = !on;
    this.soundButton.replaceChildren(icon(on ? "sound" : "silent"));
    mark(this.soundButton, "aria-pressed", String(on));
    for (const name of ["aria-label", "title"]) mark(this.soundButton, name, "Sound");
  }

  #drawBoxes(on) {
    mark(this.boxesButton, "aria-pressed", String(on));
    this.boxes.element.hidden = !on;
    remember("boxes", String(on));
  }

  #fullButton() {
    if (!document.fullscreenEnabled) return null;
    const full = () =>
      (document.fullscreenElement ? document.exitFullscreen() : this.element.requestFullscreen()).catch(() => {});
    return h(
      "button",
      {
        type: "button",
        class: "glass round",
        "aria-label": "Whole screen",
        title: "Whole screen",
        on: { click: full },
      },
      icon("full"),
    );
  }

  #end() {
    this.player.stop();
    if (this.#url) URL.revokeObjectURL(this.#url);
  }
}
