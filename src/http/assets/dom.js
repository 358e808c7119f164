// Elements without markup: what comes from cameras and people only ever becomes text.

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "selected", "muted", "open", "indeterminate"]);

/** An element: `h("a", { href: "#/", on: { click } }, "text", child)`. */
export function h(name, props, ...children) {
  return fill(document.createElement(name), props, children);
}

/** The same for what is drawn. */
export function svg(name, props, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || (value === false && !PROPERTIES.has(name))) continue;
    if (name === "on") for (const [type, heard] of Object.entries(value)) element.addEventListener(type, heard);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Changes a text only where it is another, so that nothing is laid out or read aloud in vain. */
export function say(element, text) {
  const wanted = text ?? "";
  if (element.textContent !== wanted) element.textContent = wanted;
}

/** Changes an attribute only where it is another; `null` removes it. */
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

/** A button that says while it works, and cannot be pressed twice. */
export function button(label, work, props = {}) {
  const { on, ...rest } = props;
  const made = h("button", { type: "button", ...rest, on: { ...on, click: press } }, label);
  async function press(event) {
    if (made.getAttribute("aria-busy") === "true") return;
    made.setAttribute("aria-busy", "true");
    try {
      await work(event);
    } finally {
      made.removeAttribute("aria-busy");
    }
  }
  return made;
}

let numbers = 0;

/** An id that nothing else has, to tie a label to what it names. */
export function freshId(word) {
  numbers += 1;
  return `${word}-${numbers}`;
}

/** What is kept in this browser alone, such as how large tiles are. */
export function remembered(key, otherwise) {
  try {
    return localStorage.getItem(`lookout.${key}`) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keeps it, where the browser keeps things. */
export function remember(key, value) {
  try {
    localStorage.setItem(`lookout.${key}`, value);
  } catch {
    // then it holds until the page is closed
  }
}
