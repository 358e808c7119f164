// Times as the people who look at them have them: local, and how long ago.

import { h, say } from "./dom.js";

// The words here are English; how hours are written is the reader's own.
const LOCALE = navigator.language?.startsWith("en") ? navigator.language : "en-GB";
const format = (options) => new Intl.DateTimeFormat(LOCALE, options);
const CLOCK = format({ hour: "numeric", minute: "2-digit" });
const EXACT = format({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const DAY = format({ weekday: "long", day: "numeric", month: "long" });
const DAY_OF_YEAR = format({ day: "numeric", month: "long", year: "numeric" });
const WHOLE = format({ dateStyle: "full", timeStyle: "medium" });
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

let skew = 0;

/** Takes note of what time it is at Lookout: a machine in a network of cameras often has nobody to tell it. */
export function heardDate(header) {
  const told = Date.parse(header ?? "");
  if (Number.isNaN(told)) return;
  const off = told + 500 - Date.now(); // it is told in whole seconds
  skew = Math.abs(off) > 2500 ? off : 0;
}

/** What time it is at Lookout. */
export const serverNow = () => Date.now() + skew;

/** 14:02 */
export const clock = (time) => CLOCK.format(new Date(time));
/** 14:02:07 */
export const exactClock = (time) => EXACT.format(new Date(time));
/** Everything about a time, for who wants to know. */
export const whole = (time) => WHOLE.format(new Date(time));

/** The day that a time belongs to where its reader is: 2026-11-21. */
export function dateOf(time) {
  const date = new Date(time);
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The name of a time's day, kept true over midnight. */
export const dayElement = (time, props = {}) => h("span", { ...props, data: { dayOf: time } }, day(time));

/** Today, yesterday, or which day. */
export function day(time) {
  const date = new Date(time);
  const midnight = new Date(serverNow());
  midnight.setHours(0, 0, 0, 0);
  const days = Math.round((midnight - new Date(date.getFullYear(), date.getMonth(), date.getDate())) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return days < 300 ? DAY.format(date) : DAY_OF_YEAR.format(date);
}

/** How long ago, or how soon. */
export function ago(time) {
  const seconds = (new Date(time) - serverNow()) / 1000;
  const away = Math.abs(seconds);
  if (away < 5) return seconds > 0 ? "in a moment" : "now";
  if (away < 90) return AGO.format(Math.round(seconds), "second");
  if (away < 5400) return AGO.format(Math.round(seconds / 60), "minute");
  if (away < 129_600) return AGO.format(Math.round(seconds / 3600), "hour");
  return AGO.format(Math.round(seconds / 86_400), "day");
}

/** How long something takes: 7 s, 3 min 20 s, 1 h 5 min, 3 d 2 h. */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [
    [Math.floor(whole / 86_400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([number]) => number > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([number]) => number > 0)
    .map(([number, unit]) => `${number} ${unit}`)
    .join(" ");
}

/** The same in its largest unit alone: 7 s, 3 min, 1 h. */
export const roughly = (seconds) => duration(seconds).split(" ").slice(0, 2).join(" ");

/** From when to when: 2:02 – 2:05 PM. */
export const stretch = (from, to) => CLOCK.formatRange(new Date(from), new Date(to));

/** The time between two. */
export const between = (from, to) => duration((new Date(to) - new Date(from)) / 1000);

/** How long ago, kept true as time goes on. */
export function agoElement(time, props = {}) {
  return h("time", { ...props, datetime: time, title: whole(time), data: { ago: "" } }, ago(time));
}

/** A clock time, with all of it on demand. */
export function clockElement(time, text = clock(time)) {
  return h("time", { datetime: time, title: whole(time) }, text);
}

/** For how long something has been so, kept true as time goes on. */
export function sinceElement(time, props = {}) {
  return h("time", { ...props, datetime: time, title: `since ${whole(time)}`, data: { since: "" } }, lasting(time));
}

const lasting = (time) => `for ${roughly((serverNow() - new Date(time)) / 1000)}`;

/** Lets such an element tell another time: how long ago, or, with `since`, for how long. */
export function retime(element, time, since = "since" in element.dataset) {
  if (element.dateTime !== time || since !== "since" in element.dataset) {
    element.dateTime = time;
    element.title = since ? `since ${whole(time)}` : whole(time);
    delete element.dataset[since ? "ago" : "since"];
    element.dataset[since ? "since" : "ago"] = "";
  }
  say(element, since ? lasting(time) : ago(time));
}

setInterval(() => {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("time[data-ago], time[data-since]"))
    if (element.dateTime) retime(element, element.dateTime);
  for (const element of document.querySelectorAll("[data-day-of]")) say(element, day(element.dataset.dayOf));
}, 5000);
