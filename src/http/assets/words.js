// Plain words for states, reasons and events.

import { ago, between, serverNow } from "./times.js";

const REASONS = {
  unreachable: "Nothing answers at its address",
  refused: "Something is at its address, but nothing listens at the port",
  timeout: "It takes too long to answer",
  unauthorized: "It refuses the user name or the password",
  not_found: "It does not know the path of the address",
  unsupported_codec: "It sends video that cannot be read here",
  no_video: "There is no video at this address",
  stalled: "It stopped sending pictures",
  no_key_frame: "Its stream has no complete picture to begin with",
  stream_ended: "It closed the stream",
  protocol_error: "What answers there does not speak like a camera",
  decode_error: "Its pictures arrive damaged",
  panicked: "A fault in Lookout itself",
  too_many_sessions: "It has too many viewers already",
};

/** What a reason code means. */
export const reason = (code) => REASONS[code] ?? "It does not stream";

const SOON = { word: "Starts soon", tone: "idle" };
const STATES = {
  streaming: { word: "Watching", tone: "good" },
  connecting: { word: "Connecting", tone: "idle" },
  waiting: { word: "Gone", tone: "bad" },
  failed: { word: "Given up", tone: "bad" },
  stopped: { word: "Stopped", tone: "off" },
};

/** A camera's state in a word, and how it is: `good`, `idle`, `bad` or `off`. */
export const state = (camera) =>
  isDue(camera) ? SOON : (STATES[camera.state] ?? { word: camera.state, tone: "idle" });

/** What there is to say of a camera's state in a line. */
export function stateLine(camera) {
  const { word } = state(camera);
  if (!camera.reason || camera.state === "streaming") return word;
  const why = reason(camera.reason.code);
  if (camera.state === "waiting" && camera.next_attempt_at && new Date(camera.next_attempt_at) > serverNow())
    return `${why}; tried again ${ago(camera.next_attempt_at)}`;
  return camera.state === "failed" ? `${why}; not tried any more` : why;
}

/** Whether somebody should look after it. */
export const inTrouble = (camera) =>
  (camera.state === "waiting" && !isDue(camera)) || camera.state === "failed";

/** Nothing has failed: many cameras are started one after the other. */
const isDue = (camera) => camera.state === "waiting" && !camera.reason;

/** 1 person, 2 people. */
export const people = (count) => (count === 1 ? "1 person" : `${count} people`);

/** 1 camera, 2 cameras. */
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

const nameOf = (data) => data.camera?.name ?? data.camera?.id ?? "a camera";
const placeOf = (data) => (data.zone ? `${nameOf(data)}, ${data.zone}` : nameOf(data));

const within = (sentence) => sentence[0].toLowerCase() + sentence.slice(1);

/** An event in a sentence: `data` as events carry it. */
export function headline({ type, time, data }) {
  switch (type) {
    case "lookout.visit.started":
      return `Somebody is at ${placeOf(data)}`;
    case "lookout.visit.ended":
      return `Nobody is at ${placeOf(data)} any more`;
    case "lookout.camera.down":
      return `${nameOf(data)} is gone: ${within(reason(data.reason?.code))}`;
    case "lookout.camera.up":
      return data.down_since
        ? `${nameOf(data)} is back after ${between(data.down_since, time)}`
        : `${nameOf(data)} is back`;
    case "lookout.snapshot.stored":
      return `Pictures of ${nameOf(data)} are stored`;
    case "lookout.digest":
      return `A digest of ${counted(data.digest?.events ?? 0, "event")}`;
    default:
      return type;
  }
}

const TYPES = {
  "lookout.visit.started": "Visit began",
  "lookout.visit.ended": "Visit ended",
  "lookout.camera.down": "Camera gone",
  "lookout.camera.up": "Camera back",
  "lookout.snapshot.stored": "Pictures stored",
  "lookout.digest": "Digest",
};

/** A type of event in two words. */
export const type = (code) => TYPES[code] ?? code;

const DELIVERIES = {
  pending: { word: "On its way", tone: "idle" },
  held: { word: "Waits for pictures", tone: "idle" },
  delivered: { word: "Delivered", tone: "good" },
  dead: { word: "Given up", tone: "bad" },
  gathered: { word: "Waits for a digest", tone: "idle" },
  digested: { word: "Told in a digest", tone: "good" },
};

/** How far a delivery got. */
export const delivery = (code) => DELIVERIES[code] ?? { word: code, tone: "idle" };

/** Where a delivery can be. */
export const deliveryStates = Object.keys(DELIVERIES);

const SKIPS = {
  not_due: "no sample was due",
  disposable: "no other picture needed it",
  awaiting_key_frame: "waited for a clean picture",
  lagging: "a newer one was there already",
};

/** Why a frame was not decoded. */
export const skip = (code) => SKIPS[code] ?? code;

const SILENT = {
  codec: "only AAC can be passed on as it is",
  settings: "switched off for this camera",
  refused: "the camera offers it and does not give it",
  parameters: "the camera does not say how it is coded",
  damaged: "with it the stream could not be read",
};

/** AAC, 48 kHz; and why it is left out */
export function sound(told) {
  if (!told) return "none";
  const rate = `${told.sample_rate / 1000} kHz`;
  const silent = told.left_out && `, left out: ${SILENT[told.left_out] ?? told.left_out}`;
  return `${told.codec}, ${rate}${silent || ""}`;
}

/** 1.2 Mbit/s */
export function bitrate(bits) {
  return bits >= 1e6 ? `${(bits / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`;
}

/** 35 ms, 1.2 s */
export function latency(seconds) {
  return seconds < 0.9995 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}

/** 1,204 */
export const number = (value) => new Intl.NumberFormat("en").format(value);

/** 12 MiB */
export function bytes(size) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(size, 1)) / 10)));
  return `${(size / 1024 ** step).toFixed(step > 2 ? 1 : 0)} ${units[step]}`;
}
