// What developers' programs do with the client, one function for each; tests call them by name.
// `charafy` is a client with the owner's key; `make` makes another; `failure` tells how something failed.

/** Run one; `about` are its arguments besides. */
export async function run(api, program, about) {
  const make = (options) =>
    new api.Charafy({ apiKey: about.key, baseUrl: about.origin, dangerouslyAllowBrowser: true, ...options });
  return await programs[program](make(), { ...about, api, make, failure: (work) => failure(api, work) });
}

async function failure(api, work) {
  try {
    await (typeof work === "function" ? work() : work);
    return null;
  } catch (error) {
    const { name, message, code, status, param, requestId, retryAfter, details } = error;
    return { name, message, code, status, param, requestId, retryAfter, details, isOurs: error instanceof api.CharafyError };
  }
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

const digest = async (bytes) => String(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));

const programs = {
  async speak(charafy, { character_id }) {
    const body = { character_id, text: "Hello there. ".repeat(20), format: "wav" };
    const whole = await charafy.speech.create(body);
    const { contentType, creditsUsed, creditsRemaining, requestId } = whole;
    const blob = await whole.blob();
    const pieces = [];
    for await (const piece of await charafy.speech.create(body)) pieces.push(piece);
    const streamed = new Blob(pieces);
    return { contentType, creditsUsed, creditsRemaining, requestId, type: blob.type, size: blob.size,
      same: await digest(await blob.arrayBuffer()) === await digest(await streamed.arrayBuffer()) };
  },

  async timed(charafy, { character_id }) {
    const said = await charafy.speech.withTimestamps({ character_id, text: "Good evening" });
    const sound = new Audio(URL.createObjectURL(said.blob));
    await new Promise((done, fail) => Object.assign(sound, { oncanplay: done, onerror: fail }));
    return { words: said.words.map((word) => word.text), told: said.duration_s, played: sound.duration };
  },

  async makeCharacter(charafy, { photo, failure }) {
    const [voice] = await charafy.voices.list().toArray(1);
    const image = new Blob([bytesOf(photo)], { type: "image/jpeg" });
    const { usable } = await charafy.characters.previewPhoto({ image });
    const { character_id: id } = await charafy.characters.create({ name: "Ada", image, voice_id: voice.voice_id });
    const renamed = await charafy.characters.update(id, { name: "Ada L." });
    const { sprite_ready } = await charafy.characters.getAvatar(id);
    const embed = await charafy.characters.updateEmbed(id, { embed_enabled: true, embed_daily_limit_seconds: 600 });
    const same = await charafy.characters.getEmbed(id);
    const usage = await charafy.characters.embedUsage(id);
    const { name } = await charafy.characters.get(id);
    await charafy.characters.delete(id);
    return { usable, id, renamed: renamed.name, name, sprite_ready, embed, same, today: usage.today_seconds,
      gone: await failure(charafy.characters.get(id)) };
  },

  async cloneVoice(charafy, { sound }) {
    const audio = new Blob([bytesOf(sound)], { type: "audio/flac" });
    const heard = await charafy.voices.preview({ audio });
    const made = await charafy.voices.clone({ audio, name: "Reader", language: "en", consent: undefined });
    const kept = await charafy.voices.get(made.voice_id);
    const renamed = await charafy.voices.update(made.voice_id, { name: "Narrator" });
    await charafy.voices.delete(made.voice_id);
    const left = await charafy.voices.list().toArray();
    return { usable: heard.usable, used: made.credits_used, kept: kept.name, renamed: renamed.name,
      isLeft: left.some((voice) => voice.voice_id === made.voice_id) };
  },

  async film(charafy, { character_id, failure }) {
    const { video_id } = await charafy.videos.create({ character_id, text: "Hello." });
    const early = await failure(charafy.videos.wait(video_id, { waitMs: 0 }));
    const seen = [];
    const video = await charafy.videos.wait(video_id, { onProgress: ({ status }) => seen.push(status) });
    const url = new URL(video.output_url); // by way of the line, so that it is seen
    const media = await charafy.videos.download({ ...video, output_url: url.pathname + url.search });
    const bytes = await media.bytes();
    const all = await charafy.videos.list({ character_id, status: "completed" }).toArray();
    await charafy.videos.delete(video_id);
    return { early, seen, path: url.pathname, head: new TextDecoder().decode(bytes.subarray(4, 8)),
      isListed: all.some((one) => one.video_id === video_id), type: media.contentType };
  },

  async cancelFilm(charafy, { character_id, failure }) {
    const { video_id } = await charafy.videos.create({ character_id, text: "Hello. ".repeat(400) });
    const waiting = failure(charafy.videos.wait(video_id));
    await charafy.videos.cancel(video_id);
    return [await waiting, await failure(charafy.videos.download(video_id))];
  },

  async beginConversation(charafy, { character_id, failure }) {
    const token = await charafy.conversations.createToken({ character_id, mode: "audio-only", visitor_name: "Kim" });
    const id = token.conversation_id;
    const listed = await charafy.conversations.list({ character_id, status: "minted" }).toArray();
    const kept = await charafy.conversations.get(id);
    await charafy.conversations.delete(id);
    return { token, isListed: listed.some((one) => one.conversation_id === id), kept,
      gone: await failure(charafy.conversations.get(id)) };
  },

  async readLists(charafy) {
    const list = charafy.credits.transactions({ limit: 2 });
    const ids = [];
    for await (const one of list) ids.push(one.id);
    const sizes = [];
    for await (const { items } of list.pages()) sizes.push(items.length);
    const first = await list.page();
    const second = await list.page(first.nextCursor);
    const from = await charafy.credits.transactions({ limit: 2, cursor: first.nextCursor }).toArray(2);
    return { ids, sizes, three: await list.toArray(3), none: await list.toArray(0), second: second.items, from,
      plain: (await charafy.characters.list().page()).nextCursor, balance: (await charafy.credits.get()).credits_remaining };
  },

  async useKeys(charafy, { make, failure }) {
    const { key, key_id } = await charafy.account.createKey({ name: "shop", kind: "test" });
    const other = make({ apiKey: key });
    const { email } = await other.account.get();
    await charafy.account.revokeKey(key_id);
    const keys = await charafy.account.keys().toArray();
    return { email, revoked: keys.find((one) => one.key_id === key_id).revoked_at, after: await failure(other.credits.get()) };
  },

  async makeEndpoint(charafy, { url }) {
    const endpoint = await charafy.webhooks.create({ url, description: "hook" });
    await charafy.webhooks.test(endpoint.endpoint_id);
    return endpoint;
  },

  async verifyHook(charafy, { secret, headers, body, sentAt, api, failure }) {
    const verify = (more = {}, text = body, options) => api.verifyWebhook(more.secret ?? secret, { ...headers, ...more.headers }, text, options);
    const signature = headers["webhook-signature"];
    return {
      event: await verify(),
      asHeaders: (await api.verifyWebhook(secret, new Headers(headers), new TextEncoder().encode(body))).type,
      rotated: (await verify({ headers: { "webhook-signature": `v1,AAAA v1a,x v1,!! ${signature}` } })).type,
      changed: await failure(verify({}, body.replace("webhook.test", "video.completed"))),
      foreign: await failure(verify({ secret: "whsec_" + btoa("another") })),
      later: await failure(verify({}, body, { now: sentAt * 1000 + 301_000 })),
      earlier: await failure(verify({}, body, { now: sentAt * 1000 - 301_000 })),
      undated: await failure(verify({ headers: { "webhook-timestamp": "soon" } })),
      unsigned: await failure(verify({ headers: { "webhook-signature": undefined } })),
    };
  },

  async keepEndpoints(charafy, { url, failure }) {
    const { endpoint_id: id, secret } = await charafy.webhooks.create({ url, events: ["video.failed"] });
    const sent = await charafy.webhooks.test(id);
    const rotated = await charafy.webhooks.rotate(id);
    const changed = await charafy.webhooks.update(id, { enabled: false });
    const [delivery] = await charafy.webhooks.deliveries(id, { limit: 1 }).toArray();
    const again = await failure(charafy.webhooks.redeliver(delivery.delivery_id));
    const listed = await charafy.webhooks.list().toArray();
    await charafy.webhooks.delete(id);
    return { same: delivery.delivery_id === sent.delivery_id, other: rotated.secret !== secret, enabled: changed.enabled,
      again, isListed: listed.some((one) => one.endpoint_id === id), gone: await failure(charafy.webhooks.get(id)) };
  },

  async fail(charafy, { character_id, make, failure, api }) {
    const body = { character_id, text: "Hello" };
    return {
      key: await failure(make({ apiKey: "ck_live_wrong" }).speech.create(body)),
      credits: await failure(charafy.characters.makeAvatar(character_id, { avatar_type: "sprite" })),
      field: await failure(charafy.speech.create({ ...body, text: "" })),
      reused: await failure(async () => {
        await charafy.speech.create(body, { idempotencyKey: "reused" });
        await charafy.speech.create({ ...body, text: "Goodbye" }, { idempotencyKey: "reused" });
      }),
      bought: await failure(charafy.credits.checkout({ credits: 500 })),
      family: Object.values(api).filter((one) => one.prototype instanceof Error).every((one) => one === api.CharafyError || one.prototype instanceof api.CharafyError),
    };
  },

  async leadAstray(charafy, { failure }) {
    return [
      ...(await Promise.all(["", "..", undefined].map((id) => failure(() => charafy.characters.delete(id))))),
      await failure(charafy.characters.get("../credits?x=#")),
    ];
  },

  async openInBrowser(charafy, { key, make, failure }) {
    const module = new URL("/static/client/charafy-client.js", location.href).href;
    const source = `import(${JSON.stringify(module)}).then((api) => {
      try { new api.Charafy({ apiKey: "k", baseUrl: "http://127.0.0.1" }); postMessage("made"); }
      catch (error) { postMessage(error.code); }
    })`;
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
    return {
      page: await failure(() => make({ dangerouslyAllowBrowser: undefined })),
      truthy: await failure(() => make({ dangerouslyAllowBrowser: "false" })),
      worker: await new Promise((done) => { worker.onmessage = ({ data }) => done(data); }),
      noKey: await failure(() => make({ apiKey: undefined })),
      noAddress: await failure(() => make({ baseUrl: undefined })),
      otherAddress: await failure(() => make({ baseUrl: "ftp://example.com" })),
    };
  },

  async nameAddresses(charafy, { make }) {
    return Promise.all(["", "/", "/api", "/api/", "/api/v1", "/api/v1/"].map(
      async (path) => (await make({ baseUrl: location.origin + path }).account.get()).email));
  },

  async lookForKey(charafy, { key }) {
    const seen = new Set();
    const walk = (value) => {
      if (value === key) return true;
      if (Object(value) !== value || seen.has(value)) return false;
      seen.add(value);
      return Reflect.ownKeys(value).some((name) => walk(value[name]));
    };
    return [walk(charafy), walk({ a: { key } })];
  },

  /** A speech's size and digest, how long it took and what it cost; or how it failed, and what came before that. */
  async hear(charafy, { character_id, options, client, make, failure, leaveAfter }) {
    const control = new AbortController();
    const pieces = [];
    const began = performance.now();
    const failed = await failure(async () => {
      const body = { character_id, text: "Hello there. ".repeat(20) };
      const media = await make(client).speech.create(body, { signal: control.signal, ...options });
      for await (const piece of media) {
        pieces.push(piece);
        if (leaveAfter === "abort") control.abort();
        if (leaveAfter === "break") break;
      }
    });
    const blob = new Blob(pieces);
    return { failed, size: blob.size, digest: await digest(await blob.arrayBuffer()), took_s: (performance.now() - began) / 1000 };
  },

  async ask(charafy, { client, make, options, failure, abortAfterMs }) {
    const signal = abortAfterMs === undefined ? undefined : AbortSignal.timeout(abortAfterMs);
    const began = performance.now();
    let balance;
    const failed = await failure(async () => {
      balance = (await make(client).credits.get({ signal, ...options })).credits_remaining;
    });
    return { failed, balance, took_s: (performance.now() - began) / 1000 };
  },

  async askAborted(charafy, { failure }) {
    const reason = new Error("changed my mind");
    return await failure(charafy.credits.get({ signal: AbortSignal.abort(reason) }));
  },

  async name(charafy, { character_id }) {
    const { name } = await charafy.characters.get(character_id);
    return (await charafy.characters.update(character_id, { name })).name;
  },
};
