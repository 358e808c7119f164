// The editor of a camera's zones: the list beside the picture, and what becomes of it.

import { api } from "./api.js";
import { askFirst } from "./ask_first.js";
import { button, freshId, h, mark, say } from "./dom.js";
import { icon } from "./icons.js";
import { mayChange } from "./session.js";
import { zonesToml } from "./toml.js";
import { ZoneCanvas } from "./zone_canvas.js";

const MOST_ZONES = 64;
const copyOf = (zones) => zones.map(({ name, polygon }) => ({ name, polygon: polygon.map((corner) => [...corner]) }));

/** The editor of `id`'s zones. `entry`: `{ origin, settings }`. Its `canvas` belongs over the picture. */
export class ZoneEditor {
  #id;
  #entry;
  #zones;
  #chosen;

  /** `shut` hears when the editor is to go. */
  constructor(id, entry, { shut }) {
    this.#id = id;
    this.#entry = entry;
    this.#zones = copyOf(entry.settings.zones ?? []);
    this.#chosen = this.#zones.length > 0 ? 0 : -1;
    const parts = new ZoneCanvas({ changed: () => this.#tell(), chosen: (n) => this.#choose(n, true) });
    this.canvas = parts;
    this.list = h("ol", { class: "zone-list" });
    this.code = h("pre", {
      class: "toml",
      id: "zones-toml",
      tabindex: "0",
      "aria-label": "The zones as they stand in the settings file",
    });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.status = h("p", { class: "quiet", role: "status" });
    const maySave = !this.#isInFile && mayChange();
    this.element = h(
      "section",
      { class: "card zone-editor", "aria-labelledby": "zones-title" },
      h(
        "div",
        { class: "row between" },
        h("h2", { id: "zones-title" }, "Zones"),
        h(
          "button",
          {
            type: "button",
            class: "bare round",
            id: "shut-zones",
            "aria-label": "Close the zones",
            on: { click: () => this.#shut(shut) },
          },
          icon("close"),
        ),
      ),
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", id: "new-zone", on: { click: () => this.#add() } }, "New zone"),
        maySave && button("Save", () => this.#save(), { class: "primary", id: "save-zones" }),
        h("button", { type: "button", id: "discard-zones", on: { click: () => this.#discard() } }, "Discard"),
      ),
      this.problem,
      this.status,
      this.list,
      h(
        "p",
        { class: "quiet" },
        "A person counts where their feet are inside. Each zone has visits of its own; without any zone the whole picture counts. Take a corner with the pointer, or reach it with Tab and move it with the arrow keys (Shift: finely).",
      ),
      h(
        "details",
        { open: this.#isInFile },
        h("summary", {}, "As it stands in the settings file"),
        this.code,
        h(
          "div",
          { class: "row" },
          button("Copy", () => this.#copy(), { id: "copy-zones" }),
        ),
      ),
      this.#isInFile
        ? h(
            "p",
            { class: "note" },
            "This camera stands in the settings file. Write these lines below its [[cameras]] table there, instead of the zones it has, and have the settings read anew.",
          )
        : null,
    );
    this.#draw();
  }

  get #isInFile() {
    return this.#entry.origin !== "added";
  }

  /** Whether something would be lost. */
  get isChanged() {
    return JSON.stringify(this.#zones) !== JSON.stringify(copyOf(this.#entry.settings.zones ?? []));
  }

  async #shut(shut) {
    const question = {
      title: "Leave the zones as they were?",
      text: "What was changed here is not saved.",
      yes: "Leave them",
    };
    if (!this.#isInFile && this.isChanged && !(await askFirst(question))) return;
    shut();
  }

  #draw(focus = null) {
    this.canvas.draw(this.#zones, this.#chosen, focus);
    this.list.replaceChildren(...this.#zones.map((zone, n) => this.#row(zone, n)));
    this.#tell();
  }

  #row(zone, n) {
    const id = freshId("zone");
    const name = h("input", {
      id,
      value: zone.name,
      maxlength: "100",
      "aria-label": `Name of zone ${n + 1}`,
      data: { zone: String(n) },
    });
    name.addEventListener("input", () => {
      zone.name = name.value;
      this.#tell();
    });
    name.addEventListener("focus", () => this.#chosen !== n && this.#choose(n));
    const remove = h(
      "button",
      { type: "button", class: "bare", "aria-label": `Remove zone ${zone.name}`, on: { click: () => this.#remove(n) } },
      "Remove",
    );
    return h(
      "li",
      { class: n === this.#chosen ? "chosen" : null },
      name,
      h("span", { class: "quiet" }, `${zone.polygon.length} corners`),
      remove,
    );
  }

  #choose(n, focus = false) {
    this.#chosen = n;
    this.canvas.draw(this.#zones, n, focus ? 0 : null);
    [...this.list.children].forEach((row, at) => mark(row, "class", at === n ? "chosen" : null));
  }

  #add() {
    if (this.#zones.length >= MOST_ZONES) return say(this.problem, `A camera has at most ${MOST_ZONES} zones.`);
    const taken = new Set(this.#zones.map(({ name }) => name));
    let number = this.#zones.length + 1;
    while (taken.has(`zone ${number}`)) number += 1;
    this.#zones.push({
      name: `zone ${number}`,
      polygon: [
        [0.25, 0.45],
        [0.75, 0.45],
        [0.85, 0.9],
        [0.15, 0.9],
      ],
    });
    this.#chosen = this.#zones.length - 1;
    this.#draw(0);
  }

  #remove(n) {
    this.#zones.splice(n, 1);
    this.#chosen = Math.min(this.#chosen, this.#zones.length - 1);
    this.#draw();
    (this.list.querySelector("button") ?? this.element.querySelector("#new-zone")).focus();
  }

  #discard() {
    this.#zones = copyOf(this.#entry.settings.zones ?? []);
    this.#chosen = this.#zones.length > 0 ? 0 : -1;
    say(this.problem, "");
    this.#draw();
  }

  #tell() {
    say(this.code, this.#zones.length > 0 ? zonesToml(this.#zones) : "# no zones: the whole picture counts\n");
    this.#zones.forEach(({ polygon }, n) => {
      const count = this.list.children[n]?.querySelector(".quiet");
      if (count) say(count, `${polygon.length} corners`);
    });
    say(this.status, this.isChanged ? "Changed, not saved." : "");
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.code.textContent);
      say(this.status, "Copied.");
    } catch {
      // Only secure pages may write to the clipboard: let it be copied by hand.
      getSelection().selectAllChildren(this.code);
      say(this.status, "Chosen: copy it with Ctrl+C.");
    }
  }

  async #save() {
    say(this.problem, "");
    for (const input of this.list.querySelectorAll("input")) mark(input, "aria-invalid", null);
    try {
      await api.change(this.#id, { zones: this.#zones });
    } catch (problem) {
      say(
        this.problem,
        problem.errors?.map(({ field, message }) => `${field}: ${message}`).join("\n") || problem.message,
      );
      for (const { field } of problem.errors ?? []) {
        const n = /^zones\[(\d+)]/.exec(field)?.[1];
        if (n !== undefined) mark(this.list.querySelector(`[data-zone="${n}"]`) ?? this.list, "aria-invalid", "true");
      }
      return;
    }
    this.#entry.settings.zones = copyOf(this.#zones);
    this.#tell();
    say(this.status, "Saved. The camera is watched with these zones now.");
  }
}
