// What is known of all cameras, asked for once for the whole page, and sooner when there is news.

import { api } from "./api.js";
import { news } from "./news.js";
import { again, sleep, soon } from "./pace.js";

class Cameras extends EventTarget {
  /** The cameras, by name. */
  list = [];
  /** Whether they were ever told. */
  known = false;
  #asking = null;
  #watchers = 0;
  #hasten = soon(250, null, () => this.#asking && this.refresh().catch(() => {})); // the next time comes anyway

  /** Has `seen` called with the list now, if it is known, and whenever it is told anew, until `signal`. */
  watch(seen, signal) {
    this.addEventListener("change", () => seen(this.list), { signal });
    if (this.known) seen(this.list);
    this.#watchers += 1;
    if (!this.#asking) this.#begin();
    signal.addEventListener("abort", () => this.#leave(), { once: true });
  }

  /** A camera by its id. */
  find(id) {
    return this.list.find((camera) => camera.id === id);
  }

  /** Asks now. */
  async refresh(signal) {
    const list = await api.cameras(signal);
    list.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }) || a.id.localeCompare(b.id));
    this.list = list;
    this.known = true;
    this.dispatchEvent(new Event("change"));
  }

  /** Asks soon; what is asked for many times in a moment is asked once. */
  refreshSoon() {
    if (this.#asking) this.#hasten();
  }

  #begin() {
    const asking = new AbortController();
    this.#asking = asking;
    // Three hundred cameras are a quarter of a megabyte: they are asked for less often than three.
    again(
      () => Math.min(6000, 2000 + this.list.length * 12),
      asking.signal,
      (signal) => this.refresh(signal),
    );
  }

  async #leave() {
    this.#watchers -= 1;
    await sleep(0); // the next page may want them, too
    if (this.#watchers > 0) return;
    this.#asking?.abort();
    this.#asking = null;
  }
}

/** All cameras. */
export const cameras = new Cameras();

for (const type of [
  "lookout.visit.started",
  "lookout.visit.ended",
  "lookout.camera.down",
  "lookout.camera.up",
  "lookout.gap",
])
  news.on(type, () => cameras.refreshSoon());
// A question that was asked before the connection broke off may wait for its answer for long.
news.addEventListener("state", () => news.state === "open" && cameras.refreshSoon());
