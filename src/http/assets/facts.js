// A camera in figures: its stream, and the account of its frames.

import { h, say } from "./dom.js";
import { clockElement, exactClock } from "./times.js";
import { bitrate, counted, latency, number, skip, sound } from "./words.js";

const dash = "–";

/** What is known of the stream. */
export class Facts {
  #values = {};

  constructor() {
    const row = (key, label) => [h("dt", {}, label), (this.#values[key] = h("dd", {}, dash))];
    this.element = h(
      "dl",
      { class: "facts" },
      row("url", "Address"),
      row("size", "Picture"),
      row("codec", "Codec"),
      row("fps", "Frames"),
      row("bitrate", "Bit rate"),
      row("keys", "Key picture"),
      row("sound", "Sound"),
      row("latency", "Seen after"),
      row("sample", "Last looked at"),
      row("viewers", "Watched live by"),
      row("lives", "Attempts to connect"),
    );
  }

  show(camera) {
    const { stream, latency_s: late } = camera;
    const told = {
      url: camera.url,
      size: stream ? `${stream.width} × ${stream.height}` : dash,
      codec: stream?.codec ?? dash,
      fps: stream?.fps ? `${stream.fps.toFixed(1)} a second` : dash,
      bitrate: stream?.bitrate ? bitrate(stream.bitrate) : dash,
      keys: stream?.key_frame_interval_s ? `every ${stream.key_frame_interval_s.toFixed(1)} s` : dash,
      sound: stream ? sound(stream.sound) : dash,
      latency: late ? `${latency(late.p50)}, at most ${latency(late.p99)}` : dash,
      viewers: camera.followers === undefined ? dash : counted(camera.followers, "viewer"),
      lives: number(camera.lives),
    };
    for (const [key, text] of Object.entries(told)) say(this.#values[key], text);
    const seen = this.#values.sample;
    if (!camera.last_detection_at) say(seen, dash);
    else if (seen.firstChild?.dateTime !== camera.last_detection_at)
      seen.replaceChildren(clockElement(camera.last_detection_at, exactClock(camera.last_detection_at)));
  }
}

/** Where every frame went. */
export class Account {
  constructor() {
    this.body = h("tbody");
    this.element = h(
      "details",
      { class: "account" },
      h("summary", {}, "Where every frame went"),
      h("table", {}, this.body),
    );
  }

  show({ frames }) {
    if (!this.element.open) return;
    const skipped = Object.values(frames.skipped).reduce((sum, count) => sum + count, 0);
    const rows = [
      ["Received", frames.received, "whole"],
      ["Decoded", frames.decoded],
      ["Skipped", skipped],
      ...Object.entries(frames.skipped).map(([code, count]) => [skip(code), count, "part"]),
      ["Failed to decode", frames.failed],
      ["Waiting", frames.waiting],
      ["Handed to the detector", frames.published, "whole"],
      ["Looked at", frames.detected],
      ["Overtaken by a newer one", frames.superseded],
      ["Failed to be looked at", frames.detection_failures],
      ["Packets lost on the way", frames.lost_packets, "whole"],
    ];
    this.body.replaceChildren(
      ...rows.map(([label, count, kind]) =>
        h("tr", { class: kind }, h("th", { scope: "row" }, label), h("td", {}, number(count))),
      ),
    );
  }
}
