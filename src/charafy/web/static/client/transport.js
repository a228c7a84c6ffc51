// One request: with the key, tried again where that is safe, every wait bounded.

import { CharafyError, ConnectionError, ofAnswer } from "./errors.js";
import { Media } from "./media.js";
import { Watch, pause } from "./watch.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
/** Whoever asks for more patience is not waited for: the error says how long it takes. */
const PATIENCE_S = 60;
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** WebCrypto; in Node 18 it is no global yet. */
export async function webCrypto() {
  return globalThis.crypto ?? (await import("node:crypto")).webcrypto;
}

/** @typedef {{query?: object, json?: object, form?: FormData}} Sent what goes with a request */

export class Transport {
  #key; // private: who logs a client must not show it

  constructor({ apiKey, baseUrl, timeoutMs, maxRetries, fetch }) {
    this.#key = apiKey;
    this.root = rootOf(baseUrl);
    this.timeoutMs = timeoutMs;
    this.maxRetries = maxRetries;
    // Browsers' fetch wants no other `this`.
    this.fetch = fetch ?? ((...about) => globalThis.fetch(...about));
  }

  /** The answer's JSON. */
  async json(method, path, sent, options) {
    const request = await this.prepare(method, path, sent, options);
    return this.persist(request, async (answer, watch) => {
      const said = await answer.json();
      watch.end();
      return said;
    });
  }

  /** Sound that is streamed. It can be taken up again under the key of its request. */
  async media(path, sent, options) {
    const request = await this.prepare("POST", path, sent, options);
    const ask = () => this.persist(request, (answer, watch) => ({ answer, watch }));
    return new Media(await ask(), request.safe && request.maxRetries > 0 ? ask : undefined);
  }

  /** A file that an answer named. Its link is all it needs: the key is the API's alone. */
  async file(url, { signal, timeoutMs = this.timeoutMs, maxRetries = this.maxRetries } = {}) {
    const request = { url, init: {}, signal, timeoutMs, maxRetries, safe: true };
    return new Media(await this.persist(request, (answer, watch) => ({ answer, watch })));
  }

  async prepare(method, path, { query, json, form } = {}, options = {}) {
    const { idempotencyKey, signal, timeoutMs = this.timeoutMs, maxRetries = this.maxRetries } = options;
    const headers = { ...options.headers, "x-api-key": this.#key };
    const creates = method === "POST" || method === "PUT";
    if (creates && idempotencyKey !== null) {
      headers["idempotency-key"] = idempotencyKey ?? (await webCrypto()).randomUUID();
    }
    if (json !== undefined) headers["content-type"] = "application/json";
    const body = json === undefined ? form : JSON.stringify(json);
    // "manual": a redirect would carry the key to wherever it leads.
    const init = { method, headers, body, redirect: "manual" };
    const safe = method !== "POST" || idempotencyKey !== null;
    return { url: `${this.root}${path}${written(query)}`, init, signal, timeoutMs, maxRetries, safe };
  }

  /** Ask until `read` has taken an answer, which ends the watch with its last byte. */
  async persist(request, read) {
    let busySince;
    for (let tried = 0; ; ) {
      try {
        return await this.attempt(request, read);
      } catch (error) {
        // The first try still runs. That is no failure, but nothing to wait for without end either.
        const isBusy = error?.code === "idempotency_in_flight" && request.maxRetries > 0;
        if (isBusy) busySince ??= Date.now();
        if (isBusy ? Date.now() - busySince > request.timeoutMs : !mayRetry(request, error, tried)) throw error;
        await pause(waitMs(error, tried), request.signal);
        if (!isBusy) tried++;
      }
    }
  }

  async attempt({ url, init, signal, timeoutMs }, read) {
    const watch = new Watch(signal, timeoutMs);
    try {
      const answer = await this.fetch(url, { ...init, signal: watch.signal });
      if (!answer.ok) throw await ofAnswer(answer);
      return await read(answer, watch);
    } catch (error) {
      watch.stop();
      throw watch.explain(error);
    }
  }
}

function mayRetry({ safe, maxRetries, signal }, error, tried) {
  if (signal?.aborted || tried >= maxRetries || !(error instanceof CharafyError)) return false;
  if ((error.retryAfter ?? 0) > PATIENCE_S) return false;
  if (error.status === 429) return true; // nothing was done
  return safe && (error instanceof ConnectionError || PASSING.has(error.status));
}

function waitMs({ retryAfter }, tried) {
  if (retryAfter !== undefined) return retryAfter * 1000;
  return Math.min(FIRST_PAUSE_MS * 2 ** tried, LONGEST_PAUSE_MS) * (0.75 + Math.random() / 4);
}

/** "https://host", also with "/api" or "/api/v1" behind it. */
function rootOf(baseUrl) {
  const { protocol, origin, pathname } = new URL(baseUrl);
  if (!/^https?:$/.test(protocol)) throw new TypeError("baseUrl has to begin with https:// or http://.");
  return `${origin}${pathname.replace(/(\/api(\/v1)?)?\/*$/, "")}/api/v1`;
}

function written(query = {}) {
  const told = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return told.length ? `?${new URLSearchParams(told)}` : "";
}
