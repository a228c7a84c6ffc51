// What the API has, by kind. Fields are named as in its reference; `options` are the caller's for one request.

import { CharafyError, TimeoutError, VideoFailedError } from "./errors.js";
import { List } from "./pages.js";
import { pause } from "./watch.js";

const WAIT_MS = 30 * 60_000;
const FIRST_LOOK_MS = 500;
const LAST_LOOK_MS = 5000;

class Resource {
  constructor(transport) {
    // Hidden from logs; nothing of it is for callers.
    Object.defineProperty(this, "api", { value: transport });
  }

  pages(path, field, query, options) {
    const load = (cursor = query?.cursor) => this.api.json("GET", path, { query: { ...query, cursor } }, options);
    return new List(load, field);
  }
}

export class Characters extends Resource {
  list(query, options) {
    return this.pages("/characters", "characters", query, options);
  }
  get(id, options) {
    return this.api.json("GET", at`/characters/${id}`, {}, options);
  }
  async create(body, options) {
    return this.api.json("POST", "/characters", { json: await pictured(body) }, options);
  }
  async update(id, body, options) {
    return this.api.json("PATCH", at`/characters/${id}`, { json: await pictured(body) }, options);
  }
  delete(id, options) {
    return this.api.json("DELETE", at`/characters/${id}`, {}, options);
  }
  async previewPhoto(body, options) {
    return this.api.json("POST", "/characters/preview-photo", { json: await pictured(body) }, options);
  }
  makeAvatar(id, body, options) {
    return this.api.json("PUT", at`/characters/${id}/avatar`, { json: body }, options);
  }
  getAvatar(id, options) {
    return this.api.json("GET", at`/characters/${id}/avatar`, {}, options);
  }
  getEmbed(id, options) {
    return this.api.json("GET", at`/characters/${id}/embed`, {}, options);
  }
  updateEmbed(id, body, options) {
    return this.api.json("PUT", at`/characters/${id}/embed`, { json: body }, options);
  }
  embedUsage(id, options) {
    return this.api.json("GET", at`/characters/${id}/embed/usage`, {}, options);
  }
}

export class Voices extends Resource {
  list(options) {
    return this.pages("/voices", "voices", {}, options);
  }
  get(id, options) {
    return this.api.json("GET", at`/voices/${id}`, {}, options);
  }
  update(id, body, options) {
    return this.api.json("PATCH", at`/voices/${id}`, { json: body }, options);
  }
  delete(id, options) {
    return this.api.json("DELETE", at`/voices/${id}`, {}, options);
  }
  clone(body, options) {
    return this.api.json("POST", "/voice/clone", { form: formOf(body) }, options);
  }
  preview(body, options) {
    return this.api.json("POST", "/voice/preview", { form: formOf(body) }, options);
  }
}

export class Speech extends Resource {
  /** Settles as soon as sound begins to come. */
  create(body, options) {
    return this.api.media("/tts", { json: body }, options);
  }
  /** All of it, with when each word, sound and mouth shape is. `blob`: its `audio`, to be played. */
  async withTimestamps(body, options) {
    const said = await this.api.json("POST", "/tts/timestamps", { json: body }, options);
    const bytes = Uint8Array.from(atob(said.audio), (letter) => letter.charCodeAt(0));
    return { ...said, blob: new Blob([bytes], { type: TYPES[said.format] }) };
  }
}

const TYPES = { mp3: "audio/mpeg", wav: "audio/wav", flac: "audio/flac", opus: "audio/ogg", aac: "audio/aac", pcm: "audio/pcm" };

export class Videos extends Resource {
  list(query, options) {
    return this.pages("/videos", "videos", query, options);
  }
  get(id, options) {
    return this.api.json("GET", at`/video/${id}`, {}, options);
  }
  async create(body, options) {
    const audio = body.audio instanceof Blob ? await dataUri(body.audio) : body.audio;
    return this.api.json("POST", "/video", { json: { ...body, audio } }, options);
  }
  cancel(id, options) {
    return this.api.json("POST", at`/video/${id}/cancel`, {}, options);
  }
  delete(id, options) {
    return this.api.json("DELETE", at`/video/${id}`, {}, options);
  }
  /** Until it is there. `onProgress` is told of every change; `waitMs`: how long to wait at most. */
  async wait(id, { onProgress, waitMs = WAIT_MS, ...options } = {}) {
    const until = Date.now() + waitMs;
    let told;
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(lookMs * 1.5, LAST_LOOK_MS)) {
      const video = await this.get(id, options);
      const state = `${video.status} ${video.progress} ${video.queue_position}`;
      if (state !== told) onProgress?.(video);
      told = state;
      if (video.status === "completed") return video;
      if (video.status === "failed") {
        throw new VideoFailedError(video.error ?? "The video failed.", { code: video.error_code, details: { video } });
      }
      if (Date.now() + lookMs > until) {
        throw new TimeoutError("The video isn't ready yet.", { code: "video_not_ready", details: { video } });
      }
      await pause(lookMs, options.signal);
    }
  }
  /** @param {string | object} video its id, or what `wait` gave */
  async download(video, options) {
    const { output_url } = typeof video === "string" ? await this.get(video, options) : video;
    if (!output_url) throw new CharafyError("The video isn't ready.", { code: "video_not_ready" });
    return this.api.file(output_url, options);
  }
}

export class Conversations extends Resource {
  /** What a page needs to begin one: `token`, `connect_url`, `ice_servers`. */
  createToken(body, options) {
    return this.api.json("POST", "/conversation/token", { json: body }, options);
  }
  list(query, options) {
    return this.pages("/conversations", "conversations", query, options);
  }
  get(id, options) {
    return this.api.json("GET", at`/conversations/${id}`, {}, options);
  }
  delete(id, options) {
    return this.api.json("DELETE", at`/conversations/${id}`, {}, options);
  }
}

export class Webhooks extends Resource {
  list(query, options) {
    return this.pages("/webhooks", "endpoints", query, options);
  }
  get(id, options) {
    return this.api.json("GET", at`/webhooks/${id}`, {}, options);
  }
  create(body, options) {
    return this.api.json("POST", "/webhooks", { json: body }, options);
  }
  update(id, body, options) {
    return this.api.json("PATCH", at`/webhooks/${id}`, { json: body }, options);
  }
  delete(id, options) {
    return this.api.json("DELETE", at`/webhooks/${id}`, {}, options);
  }
  rotate(id, options) {
    return this.api.json("POST", at`/webhooks/${id}/rotate`, {}, options);
  }
  test(id, options) {
    return this.api.json("POST", at`/webhooks/${id}/test`, {}, options);
  }
  deliveries(id, query, options) {
    return this.pages(at`/webhooks/${id}/deliveries`, "deliveries", query, options);
  }
  redeliver(deliveryId, options) {
    return this.api.json("POST", at`/webhooks/deliveries/${deliveryId}/redeliver`, {}, options);
  }
}

export class Credits extends Resource {
  get(options) {
    return this.api.json("GET", "/credits", {}, options);
  }
  transactions(query, options) {
    return this.pages("/credits/transactions", "transactions", query, options);
  }
  checkout(body, options) {
    return this.api.json("POST", "/credits/checkout", { json: body }, options);
  }
}

export class Account extends Resource {
  get(options) {
    return this.api.json("GET", "/account", {}, options);
  }
  keys(options) {
    return this.pages("/keys", "keys", {}, options);
  }
  createKey(body, options) {
    return this.api.json("POST", "/keys", { json: body }, options);
  }
  revokeKey(id, options) {
    return this.api.json("DELETE", at`/keys/${id}`, {}, options);
  }
}

/** A path in which an id is one step, whatever is in it. */
function at([first, ...rest], ...ids) {
  return ids.reduce((path, id, i) => {
    // "" and ".." would lead to another address than the one that was meant.
    if (typeof id !== "string" || /^\.{0,2}$/.test(id)) throw new TypeError("An id is missing.");
    return path + encodeURIComponent(id) + rest[i];
  }, first);
}

function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== null) form.append(name, value);
  }
  return form;
}

async function pictured(body) {
  return body.image instanceof Blob ? { ...body, image: await dataUri(body.image) } : body;
}

async function dataUri(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  // In slices: as many arguments as a photo has bytes are too many.
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return `data:${blob.type || "application/octet-stream"};base64,${btoa(text)}`;
}
