// The API of Charafy for servers, edge workers and scripts: Node 18, Deno, Bun, Workers.
//
//   const charafy = new Charafy({ apiKey: process.env.CHARAFY_API_KEY, baseUrl: "https://charafy.example" });
//   const speech = await charafy.speech.create({ character_id, text: "Hello!" });
//   await writeFile("hello.mp3", speech.stream);
//
// Not for pages: a key there is everybody's. A page talks with charafy-conversation.js and a token.

import * as resources from "./resources.js";
import { CharafyError } from "./errors.js";
import { Transport } from "./transport.js";

export {
  ApiError,
  BadRequestError,
  CharafyError,
  ConflictError,
  ConnectionError,
  ForbiddenError,
  InsufficientCreditsError,
  InternalServerError,
  NotFoundError,
  SignatureError,
  TimeoutError,
  TooManyRequestsError,
  UnauthorizedError,
  UpstreamFailedError,
  VideoFailedError,
} from "./errors.js";
export { List } from "./pages.js";
export { Media } from "./media.js";
export { verifyWebhook } from "./webhooks.js";

const TIMEOUT_MS = 120_000;
const MAX_RETRIES = 2;

export class Charafy {
  /** @param {import("./charafy-client.d.ts").CharafyOptions} [options] */
  constructor(options = {}) {
    const env = globalThis.process?.env ?? {};
    const { apiKey = env.CHARAFY_API_KEY, baseUrl = env.CHARAFY_BASE_URL } = options;
    const { timeoutMs = TIMEOUT_MS, maxRetries = MAX_RETRIES, fetch } = options;
    if (isBrowser() && options.dangerouslyAllowBrowser !== true) {
      throw new CharafyError(
        "An API key in a page can be read and spent by everyone who opens it. Keep it on your server; " +
          "a page talks with a token of POST /v1/conversation/token. See dangerouslyAllowBrowser in the types.",
        { code: "key_in_browser" },
      );
    }
    if (!apiKey) throw new CharafyError("An apiKey is needed, or CHARAFY_API_KEY.", { code: "key_missing" });
    if (!baseUrl) throw new CharafyError("A baseUrl is needed, or CHARAFY_BASE_URL.", { code: "base_url_missing" });
    const api = new Transport({ apiKey, baseUrl, timeoutMs, maxRetries, fetch });
    this.characters = new resources.Characters(api);
    this.voices = new resources.Voices(api);
    this.speech = new resources.Speech(api);
    this.videos = new resources.Videos(api);
    this.conversations = new resources.Conversations(api);
    this.webhooks = new resources.Webhooks(api);
    this.credits = new resources.Credits(api);
    this.account = new resources.Account(api);
  }
}

/** Pages and their workers. Servers have no document, and name themselves otherwise. */
function isBrowser() {
  return globalThis.document !== undefined || /^Mozilla\//.test(globalThis.navigator?.userAgent ?? "");
}
