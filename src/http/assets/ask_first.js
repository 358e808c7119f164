// A question before something that cannot be taken back.

import { h } from "./dom.js";

/** Asks; true if the answer is yes. */
export function askFirst({ title, text, yes }) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { class: "small", "aria-labelledby": "ask-title", on: { close } },
      h("h2", { id: "ask-title" }, title),
      h("p", {}, text),
      h(
        "form",
        { method: "dialog", class: "row end" },
        h("button", { value: "no", autofocus: true }, "No"),
        h("button", { value: "yes", class: "danger", id: "ask-yes" }, yes),
      ),
    );
    function close() {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    }
    document.body.append(dialog);
    dialog.showModal();
  });
}
