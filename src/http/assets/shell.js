// What stands around every page: where one can go, how fresh things are, who is logged in.

import { openAddCamera } from "./add_camera.js";
import { api } from "./api.js";
import { h, mark, say } from "./dom.js";
import { icon } from "./icons.js";
import { news } from "./news.js";
import { again } from "./pace.js";
import { leave, mayChange, session } from "./session.js";
import { corner } from "./toasts.js";
import { duration } from "./times.js";
import { bytes, number } from "./words.js";

const PLACES = [
  ["#/", "cameras", "Cameras", /^\/($|cameras)/],
  ["#/visits", "visits", "Visits", /^\/visits/],
  ["#/deliveries", "deliveries", "Reports", /^\/deliveries/],
];
const NEWS = { connecting: "Connecting …", open: "Up to date", lost: "No connection; trying again" };
const THEMES = { system: "Colours: as the system has them", dark: "Colours: dark", light: "Colours: light" };

/** Puts the shell into `app`; the page goes into what comes back. `visited` marks where one is. */
export function shell(app) {
  const main = h("main", { id: "main", tabindex: "-1" });
  const badge = h("span", { class: "badge", hidden: true });
  const links = PLACES.map(([href, sign, word]) =>
    h("a", { href }, icon(sign), h("span", {}, word), sign === "deliveries" && badge),
  );
  const facts = h("span", {});
  const footer = h("footer", { class: "colophon" }, facts, " · ", h("a", { href: "#/interface" }, "Interface for programs"));
  app.replaceChildren(
    h(
      "a",
      { class: "skip", href: "#main", on: { click: (event) => (event.preventDefault(), main.focus()) } },
      "Skip to the page",
    ),
    h(
      "header",
      { class: "top" },
      h(
        "a",
        { class: "brand", href: "#/", "aria-label": "Lookout, cameras" },
        h("img", { src: "assets/lantern.svg", alt: "", width: "30", height: "30" }),
        h("span", {}, "Lookout"),
      ),
      h("nav", { "aria-label": "Pages" }, links),
      h(
        "div",
        { class: "tools" },
        newsLamp(),
        mayChange() && addButton(),
        themeButton(),
        session.authentication === "session" && leaveButton(),
      ),
    ),
    main,
    footer,
    corner,
  );
  again(10_000, new AbortController().signal, async (signal) => {
    const status = await api.status(signal);
    const dead = status.sinks.reduce((sum, sink) => sum + sink.dead_letters, 0);
    badge.hidden = dead === 0;
    say(badge, number(dead));
    mark(badge, "aria-label", `${number(dead)} given up`);
    const use = status.process ? ` · ${bytes(status.process.resident_bytes)} of memory` : "";
    say(
      facts,
      `Lookout ${status.version} · running for ${duration(status.uptime_s)}${use}${status.ready ? "" : " · not ready"}`,
    );
  });
  const visited = (path) =>
    PLACES.forEach(([, , , where], n) => mark(links[n], "aria-current", where.test(path) ? "page" : null));
  return { main, visited };
}

function newsLamp() {
  const word = h("span", { class: "lamp-word" });
  const lamp = h("span", { class: "news", role: "status" }, h("span", { class: "lamp", "aria-hidden": "true" }), word);
  const show = () => {
    const known = news.isLost ? "lost" : news.state;
    mark(lamp, "data-news", known);
    // What is shown is as old as the connection: no page may look as if it were now.
    mark(document.documentElement, "data-lost", news.isLost);
    mark(lamp, "title", NEWS[known]);
    say(word, NEWS[known]);
  };
  news.addEventListener("state", show);
  news.on("*", () => {
    lamp.classList.remove("flash");
    requestAnimationFrame(() => lamp.classList.add("flash"));
  });
  show();
  return lamp;
}

function addButton() {
  return h(
    "button",
    { type: "button", id: "add-camera", class: "with-icon", on: { click: openAddCamera } },
    icon("add"),
    h("span", {}, "Add a camera"),
  );
}

function themeButton() {
  const theme = window.lookoutTheme;
  const made = h("button", {
    type: "button",
    id: "theme",
    class: "bare round",
    on: { click: () => show(theme.next()) },
  });
  function show(now) {
    made.replaceChildren(icon(now));
    mark(made, "aria-label", THEMES[now]);
    mark(made, "title", THEMES[now]);
  }
  show(theme.now);
  return made;
}

function leaveButton() {
  const label = `Log out ${session.name ?? ""}`.trim();
  return h(
    "button",
    {
      type: "button",
      id: "logout",
      class: "bare round",
      title: label,
      "aria-label": label,
      on: { click: () => leave().catch(() => location.reload()) },
    },
    icon("leave"),
  );
}
