// The page begins here: who is it, then the shell, the news, and the page of the address.

import { doors } from "./api.js";
import { cameraPage } from "./camera.js";
import { deliveriesPage } from "./deliveries.js";
import { h } from "./dom.js";
import { interfacePage } from "./interface.js";
import { news } from "./news.js";
import { Router, cameraAddress } from "./router.js";
import { backToTheDoor, loginPage, session, whoIsIt } from "./session.js";
import { shell } from "./shell.js";
import { serverNow } from "./times.js";
import { toast } from "./toasts.js";
import { visitsPage } from "./visits.js";
import { wallPage } from "./wall.js";
import { headline } from "./words.js";

const app = document.getElementById("app");
const PAGES = [
  [/^\/$/, wallPage],
  [/^\/visits$/, visitsPage],
  [/^\/cameras\/([^/]+)$/, cameraPage],
  [/^\/deliveries$/, deliveriesPage],
  [/^\/interface$/, interfacePage],
];
const TOLD = { "lookout.visit.started": "people", "lookout.camera.down": "bad", "lookout.camera.up": "good" };
/** What is older is in the lists: nobody wants the whole night announced in the morning. */
const NEW = 60_000;

function open() {
  const { main, visited } = shell(app);
  new Router(PAGES, main, visited).begin();
  news.begin();
  for (const [type, tone] of Object.entries(TOLD)) {
    news.on(type, (event) => {
      const camera = event.data.camera?.id;
      const href = camera && cameraAddress(camera);
      const isNew = serverNow() - new Date(event.time) < NEW;
      if (isNew && location.hash !== href) toast(headline(event), { tone, href });
    });
  }
  doors.addEventListener("locked", locked, { once: true });
}

function locked() {
  if (session.authentication === "session") backToTheDoor();
  else
    app.replaceChildren(
      bare(
        "This door has no bell",
        "Lookout asks for a token here, and a browser has none. Set up a user to log in with.",
      ),
    );
}

function bare(title, text) {
  const again = h("button", { type: "button", class: "primary", on: { click: () => location.reload() } }, "Try again");
  return h("main", { class: "bare", id: "main" }, h("h1", {}, title), h("p", {}, text), again);
}

async function begin() {
  try {
    if (await whoIsIt()) open();
    else app.replaceChildren(loginPage(open));
  } catch (problem) {
    app.replaceChildren(bare("Nobody answers", problem.message));
  }
}

begin();
