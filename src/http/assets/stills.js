// The newest pictures of many cameras, fetched politely: only what is on the screen and has changed, one request of a
// camera at a time, few of all, the one that waited longest first.

import { api } from "./api.js";

const AT_ONCE = 2; // a browser has six connections to one host; the news and a live view need theirs
const APART = 110;
const FIRST_APART = 40; // for who shows nothing yet
const OF_ONE = 900;
const AFTER_FAILURE = 10_000;

/** Fetches for frames: objects with `id`, `wanted` (which picture there is) and `show(url, capturedAt)`. */
export class Stills {
  #inView = new Map();
  #busy = 0;
  #timer = null;
  #begun = 0;
  #signal;

  constructor(signal) {
    this.#signal = signal;
    document.addEventListener("visibilitychange", () => this.hurry(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  /** It came into view. */
  enter(frame) {
    frame.place ??= { asked: 0, due: 0, shown: null, busy: false };
    this.#inView.set(frame, frame.place);
    this.hurry();
  }

  /** It is out of view. */
  leave(frame) {
    this.#inView.delete(frame);
  }

  /** There may be something new. */
  hurry() {
    if (this.#timer === null && !this.#signal.aborted) this.#timer = setTimeout(() => this.#next(), 0);
  }

  #next() {
    this.#timer = null;
    if (this.#signal.aborted || document.hidden) return;
    const now = performance.now();
    const waiting = [...this.#inView].filter(
      ([frame, place]) => !place.busy && frame.wanted && frame.wanted !== place.shown,
    );
    const ready = waiting.filter(([, place]) => place.due <= now).sort(([, a], [, b]) => a.asked - b.asked);
    const apart = ready[0]?.[1].shown === null ? FIRST_APART : APART;
    if (ready.length > 0 && this.#busy < AT_ONCE && now - this.#begun >= apart) {
      this.#begun = now;
      this.#fetch(...ready[0]);
    }
    if (waiting.length > 0) this.#timer = setTimeout(() => this.#next(), apart);
  }

  async #fetch(frame, place) {
    const { wanted } = frame;
    this.#busy += 1;
    Object.assign(place, { busy: true, asked: performance.now(), due: performance.now() + OF_ONE });
    try {
      const answer = await api.frame(frame.id, { annotate: true, signal: this.#signal });
      const url = URL.createObjectURL(await answer.blob());
      if (this.#signal.aborted) URL.revokeObjectURL(url);
      else frame.show(url);
      place.shown = wanted;
    } catch {
      place.due = performance.now() + AFTER_FAILURE; // there is none, or too many ask
    } finally {
      this.#busy -= 1;
      place.busy = false;
      this.hurry();
    }
  }
}
