// Events as they are recorded, over one stream for the whole page.

const TYPES = [
  "lookout.visit.started",
  "lookout.visit.ended",
  "lookout.camera.down",
  "lookout.camera.up",
  "lookout.snapshot.stored",
  "lookout.gap",
];
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
/** A page out of sight keeps its stream for so long: a browser has few connections to give. */
const OUT_OF_SIGHT = 20_000;

class News extends EventTarget {
  /** `connecting`, `open` or `lost`. */
  state = "connecting";
  #source = null;
  #last = null;
  #pause = FIRST_PAUSE;
  #timer = null;
  #wanted = false;
  #wasOpen = false;

  /** Begins to listen. */
  begin() {
    if (this.#wanted) return;
    this.#wanted = true;
    document.addEventListener("visibilitychange", () => this.#seen());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
    this.#connect();
  }

  /** Has `heard` called with each event of a type; `*` means every one. */
  on(type, heard, signal) {
    this.addEventListener(type, (event) => heard(event.detail), { signal });
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#close();
    const after = this.#last ? `?last_event_id=${encodeURIComponent(this.#last)}` : "";
    const source = new EventSource(`api/v1/events/stream${after}`);
    this.#source = source;
    source.addEventListener("open", () => {
      this.#pause = FIRST_PAUSE;
      this.#enter("open");
      // Nothing was heard to go on from: what was recorded meanwhile is not told.
      const missed = this.#wasOpen && !after;
      this.#wasOpen = true;
      if (missed) this.dispatchEvent(new CustomEvent("lookout.gap", { detail: { type: "lookout.gap", data: {} } }));
    });
    source.addEventListener("error", () => this.#failed(source));
    for (const type of TYPES) source.addEventListener(type, (message) => this.#heard(type, message));
  }

  #heard(type, message) {
    if (message.lastEventId) this.#last = message.lastEventId;
    let told;
    try {
      told = JSON.parse(message.data);
    } catch {
      return; // cut off in the middle; it comes again
    }
    for (const name of [type, "*"])
      this.dispatchEvent(new CustomEvent(name, { detail: type === "lookout.gap" ? { type, data: told } : told }));
  }

  #failed(source) {
    if (source !== this.#source) return;
    this.#enter("lost");
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #seen() {
    clearTimeout(this.#timer);
    if (document.hidden) this.#timer = setTimeout(() => document.hidden && this.#close(), OUT_OF_SIGHT);
    else if (!this.#source || this.#source.readyState === EventSource.CLOSED) this.#connect();
  }

  #close() {
    this.#source?.close();
    this.#source = null;
  }

  #enter(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}

/** The news. */
export const news = new News();
