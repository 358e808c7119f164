// Runs before the first paint, so that the page does not flash in the wrong colours; hence no module.
(() => {
  const KEY = "lookout.theme";
  const KNOWN = ["system", "dark", "light"];

  function kept() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // a browser that keeps nothing
    }
  }

  function wear(theme) {
    document.documentElement.dataset.theme = theme;
  }

  const first = kept();
  wear(KNOWN.includes(first) ? first : "system");

  window.lookoutTheme = {
    get now() {
      return document.documentElement.dataset.theme;
    },
    next() {
      const theme = KNOWN[(KNOWN.indexOf(this.now) + 1) % KNOWN.length];
      wear(theme);
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // then it holds until the page is closed
      }
      return theme;
    },
  };
})();
