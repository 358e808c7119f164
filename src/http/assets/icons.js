// The few signs there are, drawn with one pen.

import { svg } from "./dom.js";

const PATHS = {
  cameras: "M3 7.5h11v9H3zM14 10.5l6-3v9l-6-3",
  visits: "M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16M12 8v4.5l3 2",
  deliveries: "M3.5 6.5h17v11h-17zM4 7l8 6.5L20 7",
  add: "M12 5v14M5 12h14",
  live: "M8 6l10 6-10 6z",
  stop: "M7 7h10v10H7z",
  person: "M12 4.5a3.2 3.2 0 1 0 0 6.4a3.2 3.2 0 0 0 0-6.4M5.5 20c.4-4.2 3-6.3 6.5-6.3s6.100 2.100 6.500 6.300",
  light:
    "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8M12 2.500v2.500M12 19v2.500M2.500 12H5M19 12h2.500M5.300 5.300l1.800 1.800M16.900 16.900l1.800 1.800M5.300 18.700l1.800-1.800M16.900 7.100l1.800-1.800",
  dark: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10",
  system: "M3.500 5.500h17v11h-17zM9 20h6M12 16.500V20",
  leave: "M10 5H5v14h5M14 8l4 4-4 4M18 12H9",
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  retry: "M19 12a7 7 0 1 1-2.200-5.100M19 4v4h-4",
  full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  sound: "M4 9.500v5h4l5 4v-13l-5 4zM16.500 9a4 4 0 0 1 0 6M19 6.500a8 8 0 0 1 0 11",
  silent: "M4 9.500v5h4l5 4v-13l-5 4zM16.500 9.500l5 5M21.500 9.500l-5 5",
  search: "M10.500 4.500a6 6 0 1 0 0 12a6 6 0 0 0 0-12M15 15l5 5",
};

/** A sign without words of its own: what it stands beside names it. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }),
  );
}
