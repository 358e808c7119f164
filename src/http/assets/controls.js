// What can be done with a camera: watch it, stop, connect anew, remove it.

import { api } from "./api.js";
import { openChangeCamera } from "./add_camera.js";
import { askFirst } from "./ask_first.js";
import { cameras } from "./cameras.js";
import { button, h, say } from "./dom.js";
import { mayChange } from "./session.js";

/** The buttons for a camera; `changed` hears when something was done. */
export class Controls {
  constructor(id, changed) {
    this.problem = h("p", { class: "problem", role: "alert" });
    const act = (work) => async () => {
      say(this.problem, "");
      try {
        await work();
        cameras.refreshSoon();
        await changed();
      } catch (problem) {
        say(this.problem, problem.message);
      }
    };
    this.start = button(
      "Watch it",
      act(() => api.start(id)),
      { class: "primary", id: "start" },
    );
    this.stop = button(
      "Stop",
      act(() => api.stop(id)),
      { id: "stop" },
    );
    this.restart = button(
      "Connect anew",
      act(() => api.restart(id)),
      { id: "restart" },
    );
    this.change = button(
      "Change …",
      act(async () => openChangeCamera((await api.settings(id)).settings, changed)),
      { id: "change" },
    );
    this.remove = button(
      "Remove …",
      act(() => this.#remove(id)),
      { class: "danger", id: "remove" },
    );
    this.note = h("p", { class: "quiet" });
    this.element = h(
      "div",
      { class: "controls", hidden: !mayChange() },
      h("div", { class: "row" }, this.start, this.stop, this.restart, this.change, this.remove),
      this.problem,
      this.note,
    );
  }

  show(camera, origin) {
    const stopped = camera.state === "stopped";
    this.name = camera.name;
    this.start.hidden = !stopped && camera.state !== "failed";
    this.stop.hidden = stopped;
    this.restart.hidden = stopped || camera.state === "failed";
    this.change.hidden = this.remove.hidden = origin !== "added";
    say(this.note, origin === "file" ? "It stands in the settings file: it is changed and removed there." : "");
  }

  async #remove(id) {
    const title = `Remove ${this.name}?`;
    const text = "It is not watched any more, and its settings are forgotten. What it saw stays in the list of visits.";
    if (!(await askFirst({ title, text, yes: "Remove it" }))) return;
    await api.remove(id);
    location.hash = "#/";
  }
}
