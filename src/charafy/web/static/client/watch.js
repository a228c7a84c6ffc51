// Ends what takes too long, or what the caller gave up.

import { CharafyError, ConnectionError, TimeoutError } from "./errors.js";

export class Watch {
  /**
   * @param {AbortSignal | undefined} wish of the caller
   * @param {number} quietMs how long nothing may happen
   */
  constructor(wish, quietMs) {
    this.wish = wish;
    this.quietMs = quietMs;
    this.late = false;
    this.control = new AbortController();
    this.leave = () => this.control.abort();
    if (wish?.aborted) this.leave();
    else wish?.addEventListener("abort", this.leave, { once: true });
    this.touch();
  }

  get signal() {
    return this.control.signal;
  }

  /** Something happened: wait anew. */
  touch() {
    this.rest();
    this.timer = setTimeout(() => {
      this.late = true;
      this.control.abort();
    }, this.quietMs);
  }

  /** Nothing is waited for. */
  rest() {
    clearTimeout(this.timer);
  }

  /** All came. */
  end() {
    this.rest();
    this.wish?.removeEventListener("abort", this.leave);
  }

  /** Nobody wants the rest. */
  stop() {
    this.end();
    this.control.abort();
  }

  /** What the caller is to be told of `error`. */
  explain(error) {
    if (this.wish?.aborted) return this.wish.reason;
    if (error instanceof CharafyError) return error;
    if (this.late) return new TimeoutError(`Nothing came for ${this.quietMs / 1000} s.`, { code: "timeout", cause: error });
    return new ConnectionError("The connection failed.", { code: "connection_failed", cause: error });
  }
}

/** Sleep; rejects with the signal's reason when the caller gives up. */
export function pause(ms, signal) {
  return new Promise((done, fail) => {
    if (signal?.aborted) return fail(signal.reason);
    const leave = () => (clearTimeout(timer), fail(signal.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", leave), done()), ms);
    signal?.addEventListener("abort", leave, { once: true });
  });
}
