// Sound or film, as it arrives. A speech that was cut off goes on where it broke.

import { ConnectionError } from "./errors.js";

/** @typedef {{answer: Response, watch: import("./watch.js").Watch}} Source */

export class Media {
  /**
   * @param {Source} source
   * @param {() => Promise<Source>} [again] asks for the same once more
   */
  constructor(source, again) {
    const { headers } = source.answer;
    this.contentType = headers.get("content-type") ?? "";
    this.requestId = headers.get("x-request-id") ?? undefined;
    this.creditsUsed = numberOf(headers.get("x-credits-used"));
    this.creditsRemaining = numberOf(headers.get("x-credits-remaining"));
    const state = { source, left: false };
    const pieces = whole(state, again);
    this.stream = new ReadableStream({
      async pull(to) {
        const { done, value } = await pieces.next();
        if (done) to.close();
        else to.enqueue(value);
      },
      cancel() {
        state.left = true;
        state.source.watch.stop();
        pieces.return().catch(() => {}); // it ended by being stopped
      },
    });
  }

  async blob() {
    return new Blob([await this.bytes()], { type: this.contentType });
  }

  async bytes() {
    return new Uint8Array(await new Response(this.stream).arrayBuffer());
  }

  async *[Symbol.asyncIterator]() {
    const reader = this.stream.getReader(); // not every browser's streams can be iterated
    try {
      for (let got = await reader.read(); !got.done; got = await reader.read()) yield got.value;
    } finally {
      reader.cancel().catch(() => {}); // what broke was told by read()
    }
  }
}

async function* whole(state, again) {
  let got = 0;
  let cut;
  try {
    for await (const piece of read(state.source)) {
      got += piece.byteLength;
      yield piece;
    }
    return;
  } catch (error) {
    if (!again || state.left || !(error instanceof ConnectionError)) throw error;
    cut = error;
  }
  state.source = await again();
  const { answer, watch } = state.source;
  // Spoken anew it may be other bytes: only the answer that was kept can follow what we have.
  if (got > 0 && answer.headers.get("idempotent-replayed") !== "true") {
    watch.stop();
    throw cut;
  }
  for await (const piece of read(state.source)) {
    if (got < piece.byteLength) yield piece.subarray(got);
    got = Math.max(0, got - piece.byteLength);
  }
}

/** Only waiting for the server is timed, not what the reader does in between. */
async function* read({ answer, watch }) {
  const reader = answer.body.getReader();
  try {
    for (;;) {
      watch.touch();
      const { done, value } = await reader.read();
      watch.rest();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw watch.explain(error);
  } finally {
    watch.stop(); // after the end it stops nothing
  }
}

const numberOf = (text) => (text === null ? undefined : Number(text));
