// All cameras side by side.

import { cameras } from "./cameras.js";
import { h, mark, remember, remembered, say } from "./dom.js";
import { icon } from "./icons.js";
import { openAddCamera } from "./add_camera.js";
import { mayChange } from "./session.js";
import { Stills } from "./stills.js";
import { Tile } from "./tile.js";
import { counted, inTrouble, people } from "./words.js";

const SHOWS = [
  ["all", "All", () => true],
  ["people", "Somebody there", (camera) => camera.people > 0 && camera.state === "streaming"],
  ["trouble", "In trouble", inTrouble],
  ["stopped", "Stopped", (camera) => camera.state === "stopped"],
];
const SIZES = ["small", "middle", "large"];

/** The wall. */
export function wallPage({ query, signal, title }) {
  title("Cameras");
  const tiles = new Map();
  const stills = new Stills(signal);
  const asked = { text: query.get("q") ?? "", show: query.get("show") ?? "all" };
  const summary = h("span", {}, "Looking …");
  const grid = h("ul", {
    class: "wall",
    id: "wall",
    "aria-label": "Cameras",
    data: { size: remembered("tiles", "middle") },
  });
  const nothing = h("div", { class: "nothing", hidden: true });
  const shows = SHOWS.map(([key, word]) =>
    h(
      "button",
      { type: "button", class: "chip", data: { show: key }, on: { click: () => choose(key) } },
      word,
      h("span", { class: "count" }),
    ),
  );
  const search = h("input", {
    type: "search",
    id: "find",
    placeholder: "Find a camera",
    "aria-label": "Find a camera by name, id or address",
    value: asked.text,
    on: { input: () => ((asked.text = search.value), filter()) },
  });
  const view = new IntersectionObserver(seen, { rootMargin: "120px" });
  const byElement = new WeakMap();

  function seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const tile = byElement.get(target);
      if (isIntersecting) stills.enter(tile);
      else stills.leave(tile);
    }
  }

  function pin(tile) {
    const was = tile.isPinned;
    // One at a time: a browser has few connections to one host.
    for (const other of tiles.values()) if (other.isPinned) other.unpin();
    if (!was) tile.pin();
  }

  function show(list) {
    const gone = new Set(tiles.keys());
    list.forEach((camera, n) => {
      gone.delete(camera.id);
      let tile = tiles.get(camera.id);
      if (tile) tile.update(camera);
      else {
        tile = new Tile(camera, pin);
        tiles.set(camera.id, tile);
        byElement.set(tile.element, tile);
        view.observe(tile.element);
      }
      if (grid.children[n] !== tile.element) grid.insertBefore(tile.element, grid.children[n] ?? null);
    });
    for (const id of gone) {
      const tile = tiles.get(id);
      stills.leave(tile);
      view.unobserve(tile.element);
      tile.end();
      tile.element.remove();
      tiles.delete(id);
    }
    filter();
    tell(list);
    stills.hurry();
  }

  function filter() {
    const words = asked.text.toLowerCase().split(/\s+/).filter(Boolean);
    const [, , fits] = SHOWS.find(([key]) => key === asked.show) ?? SHOWS[0];
    let left = 0;
    for (const { camera, element } of tiles.values()) {
      const text = `${camera.name} ${camera.id} ${camera.url}`.toLowerCase();
      const passes = fits(camera) && words.every((word) => text.includes(word));
      left += passes;
      if (element.hidden === passes) element.hidden = !passes;
    }
    for (const button of shows) mark(button, "aria-pressed", String(button.dataset.show === asked.show));
    nothing.hidden = left > 0 || !cameras.known;
    if (!nothing.hidden) nothing.replaceChildren(...why());
    keep();
  }

  function why() {
    if (tiles.size > 0)
      return [
        h("p", {}, asked.show === "trouble" && !asked.text ? "No camera is in trouble." : "No camera is like that."),
      ];
    const add =
      mayChange() && h("button", { type: "button", class: "primary", on: { click: openAddCamera } }, "Add a camera");
    return [
      h("h2", {}, "Nothing to watch yet"),
      h("p", {}, "Add a camera here, or write it into the settings file."),
      add,
    ].filter(Boolean);
  }

  /** The filter stands in the address, so that it can be kept and sent. */
  function keep() {
    const kept = new URLSearchParams(
      Object.entries({ q: asked.text.trim(), show: asked.show === "all" ? "" : asked.show }).filter(
        ([, value]) => value,
      ),
    );
    const address = kept.size > 0 ? `#/?${kept}` : "#/";
    if (location.hash !== address && (location.hash || address !== "#/")) history.replaceState(null, "", address);
  }

  function choose(key) {
    asked.show = key;
    filter();
  }

  function tell(list) {
    const there = list.reduce((sum, camera) => sum + (camera.state === "streaming" ? camera.people : 0), 0);
    const streaming = list.filter((camera) => camera.state === "streaming").length;
    const trouble = list.filter(inTrouble).length;
    const parts = [
      `${streaming} of ${counted(list.length, "camera")} on watch`,
      there > 0 ? `${people(there)} in view` : "nobody in view",
    ];
    if (trouble > 0) parts.push(`${trouble} in trouble`);
    say(summary, list.length > 0 ? `${parts.join(", ")}.` : "");
    title(there > 0 ? `${people(there)} in view` : "Cameras", "Cameras");
    SHOWS.forEach(([, , fits], n) => say(shows[n].lastChild, String(list.filter(fits).length)));
  }

  const sizes = SIZES.map((size) =>
    h(
      "button",
      {
        type: "button",
        class: "chip size",
        "aria-label": `Tiles: ${size}`,
        title: `Tiles: ${size}`,
        data: { size },
        on: { click: () => resize(size) },
      },
      h("span", { "aria-hidden": "true" }),
    ),
  );
  function resize(size) {
    grid.dataset.size = size;
    for (const button of sizes) mark(button, "aria-pressed", String(button.dataset.size === size));
    remember("tiles", size);
  }
  resize(grid.dataset.size);

  cameras.watch(show, signal);
  signal.addEventListener("abort", () => {
    view.disconnect();
    for (const tile of tiles.values()) tile.end();
  });
  return h(
    "div",
    { class: "page", id: "wall-page" },
    h("div", { class: "headline" }, h("h1", {}, "Cameras"), h("p", { class: "summary now", id: "summary" }, summary)),
    h(
      "div",
      { class: "sieve", role: "search" },
      h("label", { class: "find" }, icon("search"), search),
      h("div", { class: "chips", role: "group", "aria-label": "Which cameras" }, shows),
      h("div", { class: "chips sizes", role: "group", "aria-label": "Size of the tiles" }, sizes),
    ),
    grid,
    nothing,
  );
}
