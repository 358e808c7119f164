// What the last minutes were like at a camera, as far as this page watched.

const KEPT = 300;
const MOST_CAMERAS = 6;
const kept = new Map();

/** The samples of a camera so far, the oldest first: they outlive a visit to another page. */
export function samplesOf(id) {
  const samples = kept.get(id) ?? [];
  kept.delete(id);
  kept.set(id, samples);
  if (kept.size > MOST_CAMERAS) kept.delete(kept.keys().next().value);
  return samples;
}

/** Adds what is known of the camera now. */
export function sample(samples, camera, at = Date.now()) {
  const { received, decoded, detected } = camera.frames;
  const last = samples.at(-1);
  const elapsed = last ? (at - last.at) / 1000 : 0;
  // After a restart of Lookout, or a long absence, what lies between is not known.
  const follows = last && received >= last.counts.received && elapsed > 0.2 && elapsed < 10;
  const rate = (now, before) => (follows ? (now - before) / elapsed : null);
  samples.push({
    at,
    counts: { received, decoded, detected },
    received: rate(received, last?.counts.received),
    decoded: rate(decoded, last?.counts.decoded),
    detected: rate(detected, last?.counts.detected),
    p50: camera.latency_s ? camera.latency_s.p50 * 1000 : null,
    p99: camera.latency_s ? camera.latency_s.p99 * 1000 : null,
  });
  if (samples.length > KEPT) samples.splice(0, samples.length - KEPT);
}
