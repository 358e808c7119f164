// Who looks at this page, and what they may.

import { api } from "./api.js";
import { freshId, h, say } from "./dom.js";

/** Who it is. */
export const session = { name: null, role: "viewer", authentication: "none" };

/** Whether they may change things. */
export const mayChange = () => session.role === "admin";

/** Finds out who it is; false where somebody has to log in first. */
export async function whoIsIt() {
  try {
    Object.assign(session, await api.session());
    return true;
  } catch (problem) {
    if (problem.status === 401) return false;
    throw problem;
  }
}

/** Logs out; the page begins anew. */
export async function leave() {
  await api.logout();
  location.reload();
}

const WAS_IN = "lookout-was-in";

/** The session is over while somebody looks: the door again, at the same address. */
export function backToTheDoor() {
  sessionStorage.setItem(WAS_IN, "1");
  location.reload();
}

/** The door: a name and a password. */
export function loginPage(opened) {
  const [name, password, told] = [freshId("name"), freshId("password"), freshId("told")];
  const nameField = h("input", {
    id: name,
    name: "username",
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
    "aria-describedby": told,
  });
  const passwordField = h("input", {
    id: password,
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
    "aria-describedby": told,
  });
  const problem = h("p", { id: told, class: "problem", role: "alert" });
  if (sessionStorage.getItem(WAS_IN))
    say(problem, "You are logged out: Lookout was started anew, or it was long ago. Please log in again.");
  sessionStorage.removeItem(WAS_IN);
  const enter = h("button", { class: "primary", id: "login" }, "Log in");
  const form = h(
    "form",
    { class: "door", "aria-labelledby": "door-title", on: { submit } },
    h("img", { src: "assets/lantern.svg", alt: "", width: "56", height: "56" }),
    h("h1", { id: "door-title" }, "Who is there?"),
    h("label", { for: name }, "Name"),
    nameField,
    h("label", { for: password }, "Password"),
    passwordField,
    problem,
    enter,
  );
  async function submit(event) {
    event.preventDefault();
    if (enter.disabled) return;
    enter.disabled = true;
    say(problem, "");
    try {
      Object.assign(session, await api.login(nameField.value, passwordField.value));
      if (!(await whoIsIt())) throw new Error("The browser did not keep the session. Does it take cookies from here?");
      opened();
    } catch (error) {
      say(problem, error.status === 401 ? "That name and password do not belong together." : error.message);
      passwordField.value = "";
      passwordField.focus();
    } finally {
      enter.disabled = false;
    }
  }
  queueMicrotask(() => nameField.focus());
  return h("main", { class: "doorway", id: "main" }, form);
}
