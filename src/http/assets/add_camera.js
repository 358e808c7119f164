// One more camera: look at it first, then keep it. Or one that was added, changed.

import { api } from "./api.js";
import { cameras } from "./cameras.js";
import { freshId, h, mark, say } from "./dom.js";
import { icon } from "./icons.js";
import { cameraAddress } from "./router.js";
import { toast } from "./toasts.js";
import { bitrate, sound } from "./words.js";

const slug = (text) =>
  text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 64);

/** Opens the dialog for one more camera. */
export const openAddCamera = () => openDialog({});

/** Opens it to change one: `settings` as they are written of it. `changed` hears when it is done. */
export const openChangeCamera = (settings, changed) => openDialog({ settings, changed });

function openDialog({ settings: known, changed }) {
  const fields = new Map();
  const looking = new AbortController();
  let idIsOwn = Boolean(known);
  // Whoever changes a camera has seen it.
  let seen = known ? {} : null;

  const url = field("url", "Address", {
    placeholder: "rtsp://192.0.2.10/stream1",
    inputmode: "url",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
    required: true,
  });
  const username = field("username", "User name", { autocomplete: "off", spellcheck: "false", autocapitalize: "none" });
  const password = field("password", "Password", {
    type: "password",
    autocomplete: "new-password",
    placeholder: known?.password ? "as it is" : null,
  });
  const name = field("name", "Name", { placeholder: "Front door", maxlength: "100", required: true });
  const id = field("id", "Short name for addresses and reports", {
    pattern: "[A-Za-z0-9_\\-][A-Za-z0-9_.\\-]{0,63}",
    title: "1 to 64 letters, digits, _, - or .",
    spellcheck: "false",
    autocapitalize: "none",
    required: true,
  });
  const every = field("every", "Looks every", {
    value: "1s",
    pattern: "([0-9]+(ms|s|m|h))+",
    title: "a time such as 500ms, 4s or 1m",
    spellcheck: "false",
  });
  const transport = field("transport", "Way of the media", {}, [
    ["tcp", "TCP: loses nothing"],
    ["udp", "UDP: for cameras that cannot do otherwise"],
  ]);
  const problem = h("p", { class: "problem", role: "alert", id: "add-problem" });
  const result = h("div", { class: "probe-result", role: "status", id: "probe-result" });
  const look = h("button", { type: "button", id: "probe", on: { click: probe } }, "Look at it");
  const save = h("button", { class: "primary", id: "save-camera" }, known ? "Save" : "Watch this camera");
  const form = h(
    "form",
    { on: { submit } },
    h(
      "div",
      { class: "row between" },
      h("h2", { id: "add-title" }, known ? `Change ${known.name}` : "Add a camera"),
      h(
        "button",
        { type: "button", class: "bare round", "aria-label": "Close", on: { click: () => dialog.close() } },
        icon("close"),
      ),
    ),
    h(
      "div",
      { class: "two" },
      h("div", {}, url, h("div", { class: "pair" }, username, password), h("div", { class: "row" }, look), result),
      h("div", {}, name, id, h("details", {}, h("summary", {}, "More"), every, transport), problem),
    ),
    h(
      "div",
      { class: "row end" },
      h("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
      save,
    ),
  );
  const dialog = h("dialog", { class: "add", id: "add-dialog", "aria-labelledby": "add-title", on: { close } }, form);
  const value = (key) => fields.get(key).input.value;

  fields.get("name").input.addEventListener("input", () => {
    if (!idIsOwn) fields.get("id").input.value = slug(value("name"));
  });
  fields.get("id").input.addEventListener("input", () => (idIsOwn = value("id") !== ""));
  for (const key of ["url", "username", "password", "transport"])
    fields.get(key).input.addEventListener("input", forget);
  // What is masked is not known here: left alone, it stays as it is.
  for (const [key, { input }] of fields) if (known && key !== "password") input.value = known[key] ?? "";
  const before = new Map([...fields].map(([key, { input }]) => [key, input.value]));
  fields.get("id").input.disabled = Boolean(known);

  function field(key, label, props, options) {
    const [inputId, toldId] = [freshId(key), freshId("told")];
    const shared = { id: inputId, name: key, "aria-describedby": toldId };
    const input = options
      ? h(
          "select",
          shared,
          options.map(([value, word]) => h("option", { value }, word)),
        )
      : h("input", { ...shared, ...props });
    const told = h("p", { class: "problem", id: toldId });
    fields.set(key, { input, told });
    input.addEventListener("input", () => blame(key, ""));
    return h("div", { class: "field" }, h("label", { for: inputId }, label), input, told);
  }

  function blame(key, text) {
    const { input, told } = fields.get(key);
    say(told, text);
    mark(input, "aria-invalid", text ? "true" : null);
  }

  /** Puts each problem at its field; what belongs to none stands below. */
  function show(error) {
    const rest = [];
    for (const { field: key, message } of error.errors ?? []) {
      if (!fields.has(key)) rest.push(`${key}: ${message}`);
      else blame(key, message);
    }
    if (error.status === 409 && !error.errors?.length && cameras.find(value("id")))
      blame("id", "There is a camera of that name. Choose another, or open that camera and change it there.");
    else if (!error.errors?.length) rest.push(error.message);
    say(problem, rest.join("\n"));
    const first = [...fields.values()].find(({ input }) => input.hasAttribute("aria-invalid"));
    const hidden = first?.input.closest("details");
    if (hidden) hidden.open = true;
    first?.input.focus();
  }

  function clear() {
    say(problem, "");
    for (const key of fields.keys()) blame(key, "");
  }

  function forget() {
    seen = known ? {} : null;
    result.replaceChildren();
  }

  /** People write down where a camera is, and leave out how it speaks. */
  const address = () => {
    const text = value("url").trim();
    return text && !text.includes("://") ? `rtsp://${text}` : text;
  };

  const source = () => ({
    url: address(),
    username: value("username") || undefined,
    password: value("password") || undefined,
    transport: value("transport"),
  });

  async function probe() {
    clear();
    if (!fields.get("url").input.reportValidity()) return false;
    if (known?.password && !value("password")) {
      blame("password", "Write it out to look at the camera; to save, it may stay as it is.");
      return false;
    }
    const asked = JSON.stringify(source());
    mark(look, "aria-busy", "true");
    look.disabled = true;
    result.replaceChildren(h("p", { class: "quiet" }, "Looking; this takes up to half a minute …"));
    try {
      const told = await api.probe(source(), looking.signal);
      if (asked !== JSON.stringify(source())) return false;
      seen = told;
      result.replaceChildren(...facts(told));
      return true;
    } catch (error) {
      result.replaceChildren();
      if (looking.signal.aborted) return false;
      if (error.errors?.length) show(error);
      else
        result.replaceChildren(
          h(
            "div",
            { class: "failed" },
            h("p", { class: "problem" }, error.message),
            h("p", { class: "quiet" }, "It can be added all the same: it is tried again and again until it answers."),
          ),
        );
      seen = error.errors?.length ? null : {};
      return false;
    } finally {
      mark(look, "aria-busy", null);
      look.disabled = false;
    }
  }

  async function submit(event) {
    event.preventDefault();
    if (save.disabled) return;
    save.disabled = true;
    try {
      // Nobody adds what they have not seen, unless they were told why it cannot be seen.
      if (!seen && !(await probe())) return;
      clear();
      if (known) {
        await api.change(known.id, difference());
        dialog.close();
        cameras.refreshSoon();
        await changed();
        return;
      }
      await api.add({ ...source(), id: value("id"), name: value("name"), every: value("every") });
      toast(`${value("name")} was added`, { tone: "good", href: cameraAddress(value("id")) });
      cameras.refreshSoon();
      dialog.close();
      location.hash = cameraAddress(value("id"));
    } catch (error) {
      show(error);
    } finally {
      save.disabled = false;
    }
  }

  /** What was written otherwise than before. */
  function difference() {
    const patch = {};
    for (const key of fields.keys())
      if (value(key) !== before.get(key)) patch[key] = key === "url" ? address() : value(key) || null;
    return patch;
  }

  function close() {
    looking.abort();
    dialog.remove();
  }

  document.body.append(dialog);
  dialog.showModal();
  fields.get("url").input.focus();
}

function facts(told) {
  const parts = [
    told.width && `${told.width} × ${told.height}`,
    told.fps && `${told.fps.toFixed(1)} pictures a second`,
    told.key_frame_interval_s && `a key picture every ${told.key_frame_interval_s.toFixed(1)} s`,
    told.bitrate && bitrate(told.bitrate),
    told.codec,
    told.sound && `sound: ${sound(told.sound)}`,
  ].filter(Boolean);
  const picture =
    told.jpeg && h("img", { src: `data:image/jpeg;base64,${told.jpeg}`, alt: "What the camera shows now" });
  return [picture, h("p", { class: "quiet" }, parts.join(" · "))].filter(Boolean);
}
