// Waiting, and doing things again and again without getting in anybody's way.

/** What was not answered is asked again so much later. */
export const AFTER_FAILURE = 4000;

/** Waits; ends at once when `signal` says so. */
export function sleep(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
    function end() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    }
  });
}

/** Waits until somebody can see the page. */
export function inSight(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const looked = new AbortController();
    document.addEventListener("visibilitychange", () => !document.hidden && end(), { signal: looked.signal });
    signal?.addEventListener("abort", end, { once: true, signal: looked.signal });
    function end() {
      looked.abort();
      resolve();
    }
  });
}

/** Does something now and then again, each time only when the time before is over, while somebody can see the page. */
export async function again(pause, signal, work) {
  while (!signal.aborted) {
    await inSight(signal);
    if (signal.aborted) return;
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) return;
      console.warn("lookout:", error.message); // what it meant to show, it shows as it was
    }
    await sleep(typeof pause === "function" ? pause() : pause, signal);
  }
}

/** Has something done whenever the function is called: at once, and what is asked for meanwhile once more behind a pause. */
export function soon(pause, signal, work) {
  let asked = false;
  let busy = false;
  async function run() {
    busy = true;
    while (asked && !signal?.aborted) {
      asked = false;
      try {
        await work();
      } catch (error) {
        console.warn("lookout:", error.message);
      }
      await sleep(pause, signal);
    }
    busy = false;
  }
  return () => {
    asked = true;
    if (!busy) run();
  };
}
