// Events as they are recorded, over one stream for the whole page; and with it, whether what is shown is as things are.

import { doors } from "./api.js";

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
/** So long a stream may take to begin; nobody else ends a connection to a machine without power. */
const PATIENCE = 20_000;
/** A stream that is back so soon was never away: browsers wait for two seconds before they try again. */
const GRACE = 3000;
/** A page out of sight keeps its stream for so long: a browser has few connections to give. */
const OUT_OF_SIGHT = 20_000;
/** What was missed for longer is looked up, not told one by one. */
const TOO_LONG = 5 * 60_000;
const LOOK = 5000;

class News extends EventTarget {
  /** `connecting`, `open` or `lost`. */
  state = "connecting";
  /** Whether what is shown may be old. A `state` event tells of this, too. */
  isLost = false;
  #source = null;
  #last = null;
  #pause = FIRST_PAUSE;
  #timer = null;
  #grace = null;
  #wanted = false;
  #wasOpen = false;
  /** When somebody could last see the page: phones and lids stop clocks and timers, and nobody tells. */
  #seenAt = Date.now();
  /** Until when the last stream was surely heard. */
  #heardUntil = Date.now();

  /** Begins to listen. */
  begin() {
    if (this.#wanted) return;
    this.#wanted = true;
    document.addEventListener("visibilitychange", () => this.#look());
    setInterval(() => this.#look(), LOOK);
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => event.persisted && this.#comeBack());
    // Of a connection that is cut in the middle nobody tells the stream, but questions get no answer.
    doors.addEventListener("silent", () => this.state === "open" && this.#fail());
    this.#connect();
  }

  /** Has `heard` called with each event of a type; `*` means every one. */
  on(type, heard, signal) {
    this.addEventListener(type, (event) => heard(event.detail), { signal });
  }

  #connect() {
    this.#close();
    this.#enter("connecting");
    if (Date.now() - this.#heardUntil > TOO_LONG) this.#last = null;
    const after = this.#last ? `?last_event_id=${encodeURIComponent(this.#last)}` : "";
    const source = new EventSource(`api/v1/events/stream${after}`);
    this.#source = source;
    this.#timer = setTimeout(() => this.#fail(), PATIENCE);
    let isFirst = true;
    source.addEventListener("open", () => {
      if (source !== this.#source) return;
      clearTimeout(this.#timer);
      this.#pause = FIRST_PAUSE;
      this.#enter("open");
      // Nothing was heard to go on from: what was recorded meanwhile is not told.
      const missed = this.#wasOpen && isFirst && !after;
      this.#wasOpen = true;
      isFirst = false; // the browser knows itself where to go on
      if (missed) this.#tell("lookout.gap", { type: "lookout.gap", data: {} });
    });
    source.addEventListener("error", () => source === this.#source && this.#failed(source));
    for (const type of TYPES)
      source.addEventListener(type, (message) => source === this.#source && this.#heard(type, message));
  }

  #heard(type, message) {
    if (message.lastEventId) this.#last = message.lastEventId;
    let told;
    try {
      told = JSON.parse(message.data);
    } catch {
      return; // cut off in the middle; it comes again
    }
    this.#tell(type, type === "lookout.gap" ? { type, data: told } : told);
  }

  #tell(type, detail) {
    for (const name of [type, "*"]) this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #failed(source) {
    if (source.readyState === EventSource.CLOSED) return this.#fail();
    if (this.state !== "open") return this.#enter("lost"); // the browser goes on trying
    this.#enter("connecting");
    this.#timer = setTimeout(() => this.#fail(), PATIENCE);
  }

  #fail() {
    this.#close();
    this.#enter("lost");
    this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #look() {
    const wasAway = Math.abs(Date.now() - this.#seenAt) > OUT_OF_SIGHT;
    if (!document.hidden) {
      if (wasAway) this.#comeBack();
      this.#seenAt = Date.now();
    } else if (wasAway) {
      this.#close();
      this.#enter("lost"); // its title can be seen
    }
  }

  /** Whatever connection there was may be dead, and what is shown is old. */
  #comeBack() {
    this.#enter("lost");
    this.#pause = FIRST_PAUSE;
    this.#connect();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #enter(state) {
    if (this.state === state) return;
    if (this.state === "open") this.#heardUntil = this.#seenAt;
    this.state = state;
    clearTimeout(this.#grace);
    if (state !== "connecting") this.isLost = state === "lost";
    else if (this.#wasOpen && !this.isLost) this.#grace = setTimeout(() => this.#enter("lost"), GRACE);
    this.dispatchEvent(new Event("state"));
  }
}

/** The news. */
export const news = new News();
