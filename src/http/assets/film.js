// Moving pictures: fragmented MP4 over plain HTTP into a media source, held close to now.

import { OWN, problemOf } from "./api.js";

/** This browser cannot show it this way. */
export class NotPlayable extends Error {}

const Source = globalThis.ManagedMediaSource ?? globalThis.MediaSource;

/** Whether this browser knows media sources at all. */
export const canPlayFilms = () => Boolean(Source && globalThis.ReadableStream);

/** Further behind than this, it jumps. */
const MOST_BEHIND = 3;
/** So far behind is where it wants to be: less, and every hiccup of the network would be seen. */
const CLOSE = 0.7;
/** What was seen is kept for so long. */
const KEPT = 12;
/** A stream that says nothing for so long is taken for dead. */
const SILENCE = 12_000;

/**
 * Shows a film until it ends (then it returns), fails (then it throws) or `signal` says so. `shown` is called when
 * there are pictures, with whether there is sound.
 */
export async function film(video, address, signal, shown) {
  const own = new AbortController();
  const cut = (why) => own.abort(why);
  signal.addEventListener("abort", () => cut(signal.reason), { signal: own.signal });
  let seen = false;
  let hasSound = false;
  const see = () => {
    if (seen || video.videoWidth === 0) return;
    seen = true;
    shown(hasSound);
  };
  video.addEventListener("timeupdate", see, { signal: own.signal });
  video.addEventListener(
    "error",
    () => cut(seen ? new Error("the pictures could not be decoded") : new NotPlayable("decoding")),
    { signal: own.signal },
  );
  let [url, edge, reader] = [null, null, null];
  try {
    const late = setTimeout(() => cut(new Error("Lookout does not answer")), SILENCE);
    const answer = await fetch(address, { ...OWN, signal: own.signal }).finally(() => clearTimeout(late));
    if (!answer.ok) throw await problemOf(answer);
    const type = answer.headers.get("content-type") ?? "";
    reader = answer.body.getReader();
    hasSound = /mp4a/i.test(type);
    if (!Source.isTypeSupported(type)) throw new NotPlayable(type);
    const source = new Source();
    url = URL.createObjectURL(source);
    video.disableRemotePlayback = true;
    video.src = url;
    await opened(source, own.signal);
    const buffer = source.addSourceBuffer(type);
    edge = setInterval(() => keepClose(video, buffer), 400);
    await pour(reader, buffer, video, own);
  } catch (error) {
    throw own.signal.aborted ? own.signal.reason : error;
  } finally {
    clearInterval(edge);
    cut(new DOMException("over", "AbortError"));
    reader?.cancel().catch(() => {});
    if (url) {
      video.removeAttribute("src");
      video.load();
      URL.revokeObjectURL(url);
    }
  }
}

/** One piece after the other; the next is read when this one is in, so that what waits stays in the network. */
async function pour(reader, buffer, video, own) {
  for (;;) {
    const silence = setTimeout(() => own.abort(new Error("the stream has stopped")), SILENCE);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    try {
      await work(buffer, own.signal, () => buffer.appendBuffer(value));
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      await forget(buffer, video.currentTime - 1, own.signal);
      await work(buffer, own.signal, () => buffer.appendBuffer(value));
    }
    const ranges = buffer.buffered;
    if (ranges.length > 0 && video.currentTime - ranges.start(0) > KEPT)
      await forget(buffer, video.currentTime - KEPT / 2, own.signal);
    if (video.paused) video.play().catch(() => {}); // it begins when the browser lets it
  }
}

function forget(buffer, until, signal) {
  return until > 0 ? work(buffer, signal, () => buffer.remove(0, until)) : Promise.resolve();
}

function work(buffer, signal, begin) {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (settle, value) => () => {
      over.abort();
      settle(value);
    };
    buffer.addEventListener("updateend", end(resolve), { signal: over.signal });
    buffer.addEventListener("error", end(reject, new Error("the stream is damaged")), { signal: over.signal });
    signal.addEventListener("abort", end(reject, signal.reason), { signal: over.signal });
    try {
      begin();
    } catch (error) {
      end(reject, error)();
    }
  });
}

function opened(source, signal) {
  return new Promise((resolve, reject) => {
    source.addEventListener("sourceopen", resolve, { once: true });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function keepClose(video, buffer) {
  let ranges;
  try {
    ranges = buffer.buffered;
  } catch {
    return; // it was taken away
  }
  if (ranges.length === 0) return;
  const [start, end] = [ranges.start(ranges.length - 1), ranges.end(ranges.length - 1)];
  const behind = end - video.currentTime;
  if (video.currentTime < start || behind > MOST_BEHIND) {
    video.currentTime = Math.max(start, end - CLOSE / 2);
    video.playbackRate = 1;
  } else {
    video.playbackRate = behind > 2 * CLOSE ? 1.1 : behind > CLOSE ? 1.04 : 1;
  }
}
