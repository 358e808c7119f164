// Settings as they are written in the file.

/** A text of TOML, quoted. */
export function quoted(text) {
  const escape = (c) =>
    ({ "\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r" })[c] ??
    `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`;
  return `"${text.replace(/[\\"\u0000-\u001f\u007f]/g, escape)}"`;
}

const part = (value) => String(Math.round(value * 1000) / 1000).replace(/^(\d+)$/, "$1.0");

/** The zones of a camera, to stand below its `[[cameras]]`. */
export function zonesToml(zones) {
  const corner = ([x, y]) => `[${part(x)}, ${part(y)}]`;
  return zones
    .map(
      ({ name, polygon }) =>
        `[[cameras.zones]]\nname = ${quoted(name)}\npolygon = [${polygon.map(corner).join(", ")}]\n`,
    )
    .join("\n");
}
