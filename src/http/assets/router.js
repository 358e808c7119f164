// Which page is shown: what stands after the # of the address.

import { news } from "./news.js";

/** Shows the page of the address, and each next one, in `place`. */
export class Router {
  #pages;
  #place;
  #leaving = null;
  #shown;

  /**
   * `pages`: pairs of a pattern and `({ params, query, signal, title, anew }) => element`. `title(text, otherwise)` is
   * what the page is called, and what while nothing is known of now; `anew()` makes the page once more. `shown` is told
   * of each new path.
   */
  constructor(pages, place, shown) {
    this.#pages = pages;
    this.#place = place;
    this.#shown = shown;
  }

  begin() {
    addEventListener("hashchange", () => this.#show(true));
    this.#show(false);
  }

  #show(moved) {
    const [path, query = ""] = location.hash.slice(1).split("?");
    if (path && !path.startsWith("/")) return; // somebody jumps within the page
    this.#leaving?.abort();
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    const title = titles(signal);
    const anew = () => this.#show(false);
    for (const [pattern, page] of this.#pages) {
      const found = pattern.exec(path || "/");
      if (!found) continue;
      let params;
      try {
        params = found.slice(1).map(decodeURIComponent);
      } catch {
        continue; // percent signs that stand for nothing
      }
      const element = page({ params, query: new URLSearchParams(query), signal, title, anew });
      this.#place.replaceChildren(element);
      this.#shown(path || "/");
      if (moved) {
        scrollTo(0, 0);
        // Who hears the page instead of seeing it is told that it is another one.
        const heading = element.querySelector("h1");
        heading?.setAttribute("tabindex", "-1");
        heading?.focus({ preventScroll: true });
      }
      return;
    }
    location.replace("#/");
  }
}

/** Calls the page by a name that is true of now, or by another. */
function titles(signal) {
  let [now, otherwise] = ["", ""];
  const show = () => (document.title = [news.isLost ? otherwise : now, "Lookout"].filter(Boolean).join(" · "));
  news.addEventListener("state", show, { signal });
  return (text, lost = text) => {
    [now, otherwise] = [text, lost];
    show();
  };
}

/** The address of a camera's page. */
export const cameraAddress = (id) => `#/cameras/${encodeURIComponent(id)}`;
