// What is asked of Lookout. Addresses are relative, so that it works below any path of a proxy.

import { heardDate } from "./times.js";

/** An answer that says what is wrong (RFC 9457). */
export class Problem extends Error {
  constructor(status, title, detail, errors = []) {
    super(detail || title);
    this.name = "Problem";
    this.status = status;
    this.title = title;
    this.detail = detail;
    /** What is wrong with which field: `{ field, message }`. */
    this.errors = errors;
  }
}

/** Told of every answer that says `locked`: log in first; and `silent`, of every request that got none. */
export const doors = new EventTarget();

const PATIENCE = 20_000;
const NO_ANSWER = "Lookout does not answer. Is it running, and can this device reach it?";

/** How a live view is asked for: without this, a browser whose session is over would ask for a password by itself. */
export const OWN = { cache: "no-store", credentials: "same-origin", headers: { "x-lookout-page": "live" } };

/** Why a request got no answer, or one that broke off. */
function silence(signal, error) {
  if (signal?.aborted) return error;
  doors.dispatchEvent(new Event("silent"));
  return new Problem(0, "No answer", NO_ANSWER);
}

/** The problem that an answer tells. */
export async function problemOf(answer) {
  let told = {};
  try {
    told = await answer.json();
  } catch {
    // something between here and Lookout answered
  }
  const title = typeof told.title === "string" ? told.title : `Answered ${answer.status}`;
  const detail = typeof told.detail === "string" ? told.detail : "";
  return new Problem(answer.status, title, detail, Array.isArray(told.errors) ? told.errors : []);
}

/** The answer to a request; a `Problem` where it is none. */
export async function ask(path, { method = "GET", query = {}, body, signal, patience = PATIENCE } = {}) {
  const asked = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== undefined && value !== "" && value !== null),
  );
  const address = asked.size > 0 ? `${path}?${asked}` : path;
  const until = AbortSignal.timeout(patience);
  const init = {
    method,
    cache: "no-store",
    credentials: "same-origin",
    signal: signal ? AbortSignal.any([signal, until]) : until,
  };
  if (method !== "GET") init.headers = { "content-type": "application/json" };
  if (body !== undefined) init.body = JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(address, init);
  } catch (error) {
    throw silence(signal, error);
  }
  heardDate(answer.headers.get("date"));
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (answer.status === 401) doors.dispatchEvent(new Event("locked"));
  throw problem;
}

/** The JSON of an answer; nothing where it has none. */
export async function askJson(path, options) {
  const answer = await ask(path, options);
  let text;
  try {
    text = await answer.text();
  } catch (error) {
    throw silence(options?.signal, error);
  }
  return text === "" ? null : JSON.parse(text);
}

const post = (path, options) => askJson(path, { method: "POST", ...options });
const of = (id) => `api/v1/cameras/${encodeURIComponent(id)}`;

export const api = {
  session: (signal) => askJson("api/v1/session", { signal }),
  login: (name, password) => post("api/v1/session", { body: { name, password } }),
  logout: () => askJson("api/v1/session", { method: "DELETE" }),
  interface: (signal) => askJson("api/openapi.json", { signal }),
  status: (signal) => askJson("api/v1/status", { signal }),
  cameras: (signal) => askJson("api/v1/cameras", { signal }),
  camera: (id, signal) => askJson(of(id), { signal }),
  frame: (id, { annotate, signal } = {}) =>
    ask(`${of(id)}/frame.jpg`, { query: { annotate: annotate ? "true" : undefined }, signal }),
  settings: (id, signal) => askJson(`${of(id)}/settings`, { signal }),
  add: (camera) => post("api/v1/cameras", { body: camera }),
  change: (id, patch) => askJson(of(id), { method: "PATCH", body: patch }),
  remove: (id) => askJson(of(id), { method: "DELETE" }),
  start: (id) => post(`${of(id)}/start`),
  stop: (id) => post(`${of(id)}/stop`),
  restart: (id) => post(`${of(id)}/restart`),
  probe: (camera, signal) => post("api/v1/probe", { body: camera, signal, patience: 60_000 }),
  events: (query, signal) => askJson("api/v1/events", { query, signal }),
  deliveries: (query, signal) => askJson("api/v1/deliveries", { query, signal }),
  retry: (event, sink) => post(`api/v1/deliveries/${encodeURIComponent(event)}/retry`, { query: { sink } }),
  retryAll: (sink) => post("api/v1/deliveries/retry", { query: { sink } }),
};

/** Where the picture of an event is. */
export function snapshotOf(event, n) {
  const address = `api/v1/events/${encodeURIComponent(event)}/snapshot.jpg`;
  return n === undefined ? address : `${address}?n=${n}`;
}

/** Where a camera is shown as it is now. */
export function liveOf(id, form) {
  return `live/${encodeURIComponent(id)}.${form}`;
}
