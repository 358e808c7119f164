// Where the zones of a camera are, for who looks at it: what happens outside of them is not told.

import { svg } from "./dom.js";

/** The lines of `zones`, to lie over a picture of the same shape. */
export function zoneLines(zones) {
  const line = ({ polygon }) => svg("polygon", { points: polygon.map(([x, y]) => `${x},${y}`).join(" ") });
  const props = { class: "zone-lines", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" };
  return svg("svg", props, zones.map(line));
}
