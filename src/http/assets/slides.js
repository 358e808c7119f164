// One picture after the other (multipart JPEG), for browsers that cannot show the film. Read here, and not by an image
// of its own, because an image does not tell when its stream has ended.

import { OWN, problemOf } from "./api.js";

const HEAD_END = [13, 10, 13, 10];
const LARGEST = 16 << 20;
/** Key pictures may be far apart; a stream without any for so long is taken for dead. */
const SILENCE = 35_000;

/** Shows slides until they end (then it returns), fail (then it throws) or `signal` says so. */
export async function slides(image, address, signal, shown) {
  const own = new AbortController();
  signal.addEventListener("abort", () => own.abort(signal.reason), { signal: own.signal });
  let url = null;
  try {
    const late = setTimeout(() => own.abort(new Error("Lookout does not answer")), SILENCE);
    const answer = await fetch(address, { ...OWN, signal: own.signal }).finally(() => clearTimeout(late));
    if (!answer.ok) throw await problemOf(answer);
    for await (const jpeg of parts(answer.body.getReader(), own)) {
      const before = url;
      url = URL.createObjectURL(new Blob([jpeg], { type: "image/jpeg" }));
      image.src = url;
      await image.decode().catch(() => {}); // then the next one
      if (before) URL.revokeObjectURL(before);
      if (own.signal.aborted) break;
      shown(false);
    }
  } catch (error) {
    throw own.signal.aborted ? own.signal.reason : error;
  } finally {
    own.abort(new DOMException("over", "AbortError"));
    if (url) URL.revokeObjectURL(url);
  }
}

/** The bodies of the parts, each as long as its head says. */
async function* parts(reader, own) {
  let bytes = new Uint8Array(0);
  let head = -1;
  for (;;) {
    const silence = setTimeout(() => own.abort(new Error("the stream has stopped")), SILENCE);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    const joined = new Uint8Array(bytes.length + value.length);
    joined.set(bytes);
    joined.set(value, bytes.length);
    bytes = joined;
    while ((head = headEnd(bytes)) >= 0) {
      const length = Number(/content-length:\s*(\d+)/i.exec(new TextDecoder().decode(bytes.subarray(0, head)))?.[1]);
      if (!(length <= LARGEST)) throw new Error("the stream is damaged");
      if (bytes.length < head + length) break;
      yield bytes.slice(head, head + length);
      bytes = bytes.slice(head + length);
    }
    if (head < 0 && bytes.length > 4096) throw new Error("the stream is damaged");
  }
}

/** Where the head that `bytes` begin with ends, or -1. */
function headEnd(bytes) {
  const most = Math.min(bytes.length - HEAD_END.length, 2048);
  for (let at = 0; at <= most; at += 1)
    if (HEAD_END.every((byte, n) => bytes[at + n] === byte)) return at + HEAD_END.length;
  return -1;
}
