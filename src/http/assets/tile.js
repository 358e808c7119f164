// One camera on the wall.

import { agoElement, retime } from "./times.js";
import { h, mark, say } from "./dom.js";
import { icon } from "./icons.js";
import { LivePlayer } from "./player.js";
import { cameraAddress } from "./router.js";
import { inTrouble, people, state, stateLine } from "./words.js";

/** So long does one look at a tile before it comes alive. */
const HOVER = 400;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** A tile. `pin(tile)` is called when somebody wants it live for good. */
export class Tile {
  /** Which picture there is. */
  wanted = null;
  /** Whether the filter lets it be seen. */
  passes = true;
  #picture = null;
  #timer = null;
  #pinned = false;

  constructor(camera, pin) {
    this.id = camera.id;
    this.image = h("img", { class: "still", alt: "", hidden: true });
    this.view = h(
      "a",
      { class: "picture", href: cameraAddress(camera.id), "aria-hidden": "true", tabindex: "-1" },
      this.image,
    );
    this.empty = h("p", { class: "no-picture" });
    this.name = h("a", { class: "name", href: cameraAddress(camera.id) });
    this.lamp = h("span", { class: "lamp", "aria-hidden": "true" });
    this.word = h("span", { class: "word" });
    this.age = agoElement(camera.since, { class: "age" });
    this.people = h("span", { class: "people", hidden: true }, icon("person"), h("span", {}));
    this.live = h(
      "button",
      { type: "button", class: "round glass play", "aria-pressed": "false", on: { click: () => pin(this) } },
      icon("live"),
    );
    this.element = h(
      "li",
      { class: "tile", data: { camera: camera.id } },
      this.view,
      this.empty,
      this.people,
      this.live,
      h("div", { class: "caption" }, this.name, h("p", { class: "state" }, this.lamp, this.word, this.age)),
    );
    this.player = new LivePlayer(this.view, camera.id, ({ state }) =>
      mark(this.element, "data-live", state === "off" ? null : state),
    );
    for (const type of ["pointerenter", "focusin"]) this.element.addEventListener(type, (event) => this.#attend(event));
    for (const type of ["pointerleave", "focusout"]) this.element.addEventListener(type, () => this.#ignore());
    this.update(camera);
  }

  /** What is known of it now. */
  update(camera) {
    const { tone } = state(camera);
    this.camera = camera;
    this.wanted = camera.last_detection_at;
    say(this.name, camera.name);
    say(this.word, stateLine(camera));
    mark(this.word, "title", camera.reason?.message ?? null);
    mark(this.element, "data-state", camera.state);
    mark(this.element, "data-tone", tone);
    mark(this.element, "data-people", camera.people > 0 && camera.state === "streaming");
    this.people.hidden = !(camera.people > 0 && camera.state === "streaming");
    say(this.people.lastChild, String(camera.people));
    mark(this.people, "title", people(camera.people));
    mark(this.people, "aria-label", `${people(camera.people)} in view`);
    const rests = inTrouble(camera) || camera.state === "stopped";
    const at = rests ? (camera.down_since ?? camera.since) : camera.last_detection_at;
    this.age.hidden = !at;
    if (at) retime(this.age, at, rests);
    say(this.empty, camera.state === "stopped" ? "Stopped" : inTrouble(camera) ? "No picture" : "No picture yet");
    mark(this.live, "aria-label", `Show ${camera.name} live`);
    mark(this.live, "title", "Show it live");
    this.live.hidden = camera.state !== "streaming" && !this.#pinned;
    // What is pinned comes alive again when the camera is back.
    if (camera.state !== "streaming" && this.player.isOn) this.player.stop();
    else if (camera.state === "streaming" && this.#pinned && !this.player.isOn) this.player.start();
  }

  /** Shows a picture and lets the one before go. */
  async show(url) {
    const before = this.#picture;
    this.#picture = url;
    this.image.src = url;
    await this.image.decode().catch(() => {}); // then the browser shows what it can of it
    this.image.hidden = false;
    mark(this.element, "data-picture", true);
    if (before) URL.revokeObjectURL(before);
  }

  /** Stays live, or does so no more. */
  pin() {
    this.#pinned = true;
    mark(this.live, "aria-pressed", "true");
    mark(this.element, "data-pinned", true);
    this.live.replaceChildren(icon("stop"));
    this.player.start();
  }

  unpin() {
    this.#pinned = false;
    mark(this.live, "aria-pressed", "false");
    mark(this.element, "data-pinned", null);
    this.live.replaceChildren(icon("live"));
    this.player.stop();
  }

  get isPinned() {
    return this.#pinned;
  }

  /** Lets go of everything that outlives an element. */
  end() {
    clearTimeout(this.#timer);
    this.player.stop();
    if (this.#picture) URL.revokeObjectURL(this.#picture);
    this.#picture = null;
  }

  #attend(event) {
    clearTimeout(this.#timer);
    if (event.pointerType === "touch" || still.matches || this.camera.state !== "streaming") return;
    this.#timer = setTimeout(() => this.player.start(), HOVER);
  }

  #ignore() {
    clearTimeout(this.#timer);
    if (!this.#pinned && this.player.isOn) this.player.stop();
  }
}
