// A camera as it is now: shown while it can be seen, taken up again when it breaks off.

import { liveOf } from "./api.js";
import { h } from "./dom.js";
import { NotPlayable, canPlayFilms, film } from "./film.js";
import { sleep } from "./pace.js";
import { slides } from "./slides.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 20_000;

/** Shows the camera `id` within `host`. `tell` hears `{ state, detail, form, sound }`: starting, live, waiting or off. */
export class LivePlayer {
  #host;
  #id;
  #tell;
  #form = canPlayFilms() ? "film" : "slides";
  #wanted = null;
  #running = null;
  #onScreen = false;
  #muted = true;
  #screen = null;

  constructor(host, id, tell = () => {}) {
    this.#host = host;
    this.#id = id;
    this.#tell = tell;
  }

  /** Whether it is to be shown. */
  get isOn() {
    return this.#wanted !== null;
  }

  /** Whether it is silent. */
  get isMuted() {
    return this.#muted;
  }

  set isMuted(muted) {
    this.#muted = muted;
    if (this.#screen) this.#screen.muted = muted;
  }

  /** Shows it whenever it can be seen, until `stop`. */
  start() {
    if (this.#wanted) return;
    this.#wanted = new AbortController();
    const { signal } = this.#wanted;
    const observer = new IntersectionObserver((entries) => {
      this.#onScreen = entries.at(-1).isIntersecting;
      this.#adjust();
    });
    observer.observe(this.#host);
    signal.addEventListener("abort", () => observer.disconnect(), { once: true });
    document.addEventListener("visibilitychange", () => this.#adjust(), { signal });
    this.#say("starting");
  }

  /** Shows it no more. */
  stop() {
    this.#wanted?.abort();
    this.#wanted = null;
    this.#onScreen = false;
    this.#adjust();
    this.#say("off");
  }

  #adjust() {
    const seen = this.#wanted !== null && this.#onScreen && !document.hidden;
    if (seen && !this.#running) {
      this.#running = new AbortController();
      this.#keepOn(this.#running.signal);
    } else if (!seen && this.#running) {
      this.#running.abort(new DOMException("out of sight", "AbortError"));
      this.#running = null;
    }
  }

  async #keepOn(signal) {
    let pause = FIRST_PAUSE;
    const shown = (sound) => {
      pause = FIRST_PAUSE;
      this.#say("live", { sound });
    };
    while (!signal.aborted) {
      let detail = "the stream has ended";
      this.#say("starting");
      try {
        await this.#show(signal, shown);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof NotPlayable) {
          this.#form = "slides";
          continue;
        }
        // What a browser says of a request that got no answer is not for people.
        detail = error instanceof TypeError ? "Lookout does not answer" : error.message;
      }
      if (signal.aborted) return;
      this.#say("waiting", { detail });
      await sleep(pause * (0.75 + Math.random() / 2), signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }

  async #show(signal, shown) {
    const screen =
      this.#form === "film"
        ? h("video", { class: "live", playsinline: true, muted: this.#muted, autoplay: true, "aria-hidden": "true" })
        : h("img", { class: "live", alt: "" });
    const seen = (sound) => {
      screen.dataset.shown = "";
      shown(sound);
    };
    this.#screen = screen;
    this.#host.append(screen);
    try {
      if (this.#form === "film") await film(screen, liveOf(this.#id, "mp4"), signal, seen);
      else await slides(screen, liveOf(this.#id, "mjpeg"), signal, seen);
    } finally {
      screen.remove();
    }
  }

  #say(state, { detail = null, sound = false } = {}) {
    this.#tell({ state, detail, form: this.#form, sound });
  }
}
