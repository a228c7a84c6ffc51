import type * as api from "./types.d.ts";

export type * from "./types.d.ts";

export interface CharafyOptions {
  /** By default the environment's CHARAFY_API_KEY. */
  apiKey?: string;
  /** Of the server, such as "https://charafy.example"; by default the environment's CHARAFY_BASE_URL. */
  baseUrl?: string;
  /** How long to wait for an answer, or for the next piece of one that is streamed; 120,000. */
  timeoutMs?: number;
  /** How often a request is tried again after a failure that may pass; 2. */
  maxRetries?: number;
  /** Instead of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Everyone who opens the page can read the key and spend its credits. Only for pages that nobody
   * else can open, such as tools on your own machine. */
  dangerouslyAllowBrowser?: boolean;
}

/** Of one request. */
export interface RequestOptions {
  signal?: AbortSignal;
  timeoutMs?: number;
  maxRetries?: number;
  /** What makes sending it twice safe; by default a new one for each call that creates. Give your own
   * to be safe beyond a crash. null: none; then it is tried again only after "too many requests", and
   * a speech that you leave costs only what was sent. */
  idempotencyKey?: string | null;
  headers?: Record<string, string>;
}

export interface PageQuery {
  /** Items of a page. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
}

export interface VideoQuery extends PageQuery {
  character_id?: string;
  status?: api.VideoStatus;
}

export interface ConversationQuery extends PageQuery {
  character_id?: string;
  status?: "minted" | "live" | "ended";
}

export interface TransactionQuery extends PageQuery {
  character_id?: string;
}

export interface WaitOptions extends RequestOptions {
  /** Told of each change of the status, the progress or the place in the queue. */
  onProgress?: (video: api.Video) => void;
  /** How long to wait at most; 1,800,000. */
  waitMs?: number;
}

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** Asks for nothing before it is read. */
export class List<Item> implements AsyncIterable<Item> {
  protected constructor();
  page(cursor?: string): Promise<Page<Item>>;
  pages(): AsyncGenerator<Page<Item>, void, undefined>;
  toArray(most?: number): Promise<Item[]>;
  [Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined>;
}

/** To be read once, in one of these ways. */
export class Media implements AsyncIterable<Uint8Array> {
  protected constructor();
  readonly contentType: string;
  readonly requestId?: string;
  readonly creditsUsed?: number;
  readonly creditsRemaining?: number;
  readonly stream: ReadableStream<Uint8Array>;
  blob(): Promise<Blob>;
  bytes(): Promise<Uint8Array>;
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined>;
}

export interface Characters {
  /** Newest first; all at once, page by page with a `limit`. */
  list(query?: PageQuery, options?: RequestOptions): List<api.ListedCharacter>;
  get(id: string, options?: RequestOptions): Promise<api.Character>;
  create(body: api.CreateCharacter, options?: RequestOptions): Promise<api.CreatedCharacter>;
  update(id: string, body: api.UpdateCharacter, options?: RequestOptions): Promise<api.Character>;
  delete(id: string, options?: RequestOptions): Promise<api.DeletedCharacter>;
  /** What we see in a picture, before a character is made of it. */
  previewPhoto(body: api.PreviewPhoto, options?: RequestOptions): Promise<api.PhotoPreview>;
  makeAvatar(id: string, body: api.MakeAvatar, options?: RequestOptions): Promise<api.MadeAvatar>;
  getAvatar(id: string, options?: RequestOptions): Promise<api.Avatar>;
  getEmbed(id: string, options?: RequestOptions): Promise<api.Embed>;
  updateEmbed(id: string, body: api.UpdateEmbed, options?: RequestOptions): Promise<api.Embed>;
  embedUsage(id: string, options?: RequestOptions): Promise<api.EmbedUsage>;
}

export interface Voices {
  list(options?: RequestOptions): List<api.Voice>;
  get(id: string, options?: RequestOptions): Promise<api.VoiceDetail>;
  clone(body: api.CloneVoice, options?: RequestOptions): Promise<api.ClonedVoice>;
  /** What we hear in a recording, before it is cloned. */
  preview(body: api.PreviewVoice, options?: RequestOptions): Promise<api.RecordingQuality>;
  update(id: string, body: api.UpdateVoice, options?: RequestOptions): Promise<api.Voice>;
  delete(id: string, options?: RequestOptions): Promise<api.DeletedVoice>;
}

export interface Speech {
  /** Resolves when sound begins to come. */
  create(body: api.CreateSpeech, options?: RequestOptions): Promise<Media>;
  /** All of it with when each word, sound and mouth shape is; `blob` is its `audio`, to be played. */
  withTimestamps(
    body: api.CreateSpeech,
    options?: RequestOptions,
  ): Promise<api.TimestampedSpeech & { blob: Blob }>;
}

export interface Videos {
  list(query?: VideoQuery, options?: RequestOptions): List<api.Video>;
  get(id: string, options?: RequestOptions): Promise<api.Video>;
  create(body: api.CreateVideo, options?: RequestOptions): Promise<api.CreatedVideo>;
  cancel(id: string, options?: RequestOptions): Promise<api.Video>;
  delete(id: string, options?: RequestOptions): Promise<api.DeletedVideo>;
  /** Rejects with a `VideoFailedError`, or a `TimeoutError` while it is still being made. */
  wait(id: string, options?: WaitOptions): Promise<api.Video>;
  /** Of a completed video, or its id. */
  download(video: string | api.Video, options?: RequestOptions): Promise<Media>;
}

export interface Conversations {
  /** For a page: it may have this, and does the rest with charafy-conversation.js. */
  createToken(body: api.CreateToken, options?: RequestOptions): Promise<api.Token>;
  list(query?: ConversationQuery, options?: RequestOptions): List<api.Conversation>;
  /** With what was said. */
  get(id: string, options?: RequestOptions): Promise<api.ConversationDetail>;
  delete(id: string, options?: RequestOptions): Promise<api.DeletedConversation>;
}

export interface Webhooks {
  list(query?: PageQuery, options?: RequestOptions): List<api.Endpoint>;
  get(id: string, options?: RequestOptions): Promise<api.Endpoint>;
  /** Its `secret` is shown this once. */
  create(body: api.CreateEndpoint, options?: RequestOptions): Promise<api.EndpointWithSecret>;
  update(id: string, body: api.UpdateEndpoint, options?: RequestOptions): Promise<api.Endpoint>;
  delete(id: string, options?: RequestOptions): Promise<api.DeletedEndpoint>;
  rotate(id: string, options?: RequestOptions): Promise<api.EndpointWithSecret>;
  /** Sends a `webhook.test` event. */
  test(id: string, options?: RequestOptions): Promise<api.Delivery>;
  deliveries(id: string, query?: PageQuery, options?: RequestOptions): List<api.Delivery>;
  redeliver(deliveryId: string, options?: RequestOptions): Promise<api.Delivery>;
}

export interface Credits {
  /** The balance and the last 50 transactions. */
  get(options?: RequestOptions): Promise<api.Balance>;
  transactions(query?: TransactionQuery, options?: RequestOptions): List<api.Transaction>;
  checkout(body: api.CreateCheckout, options?: RequestOptions): Promise<api.Checkout>;
}

export interface Account {
  get(options?: RequestOptions): Promise<api.AccountInfo>;
  keys(options?: RequestOptions): List<api.Key>;
  /** Its `key` is shown this once. */
  createKey(body: api.CreateKey, options?: RequestOptions): Promise<api.NewKey>;
  revokeKey(id: string, options?: RequestOptions): Promise<api.Key>;
}

export class Charafy {
  /** Throws a `CharafyError` without a key or an address, and in a browser. */
  constructor(options?: CharafyOptions);
  readonly characters: Characters;
  readonly voices: Voices;
  readonly speech: Speech;
  readonly videos: Videos;
  readonly conversations: Conversations;
  readonly webhooks: Webhooks;
  readonly credits: Credits;
  readonly account: Account;
}

export interface WebhookEvent {
  /** Such as "video.completed". */
  type: api.EventType | "webhook.test" | (string & {});
  timestamp: string;
  data: Record<string, unknown>;
}

/**
 * The event that Charafy sent; rejects with a `SignatureError` for any other request.
 * `body` as it came, byte for byte; `toleranceS`: how old it may be, 300; `now` in milliseconds.
 */
export function verifyWebhook(
  secret: string,
  headers: Headers | Record<string, string | string[] | undefined>,
  body: string | ArrayBuffer | Uint8Array,
  options?: { toleranceS?: number; now?: number },
): Promise<WebhookEvent>;

/** The base of all. What the caller aborted rejects with the signal's reason instead. */
export class CharafyError extends Error {
  protected constructor();
  /** The API's, or key_in_browser, key_missing, base_url_missing, connection_failed, timeout,
   * video_not_ready, signature_missing, signature_expired, signature_wrong. */
  readonly code: string;
  /** Of the HTTP answer, where there was one. */
  readonly status?: number;
  /** The field that the error is about. */
  readonly param?: string;
  /** Finds the request in the server's log. */
  readonly requestId?: string;
  /** Seconds after which it may go better. */
  readonly retryAfter?: number;
  /** What else the answer says, such as the `quality` of a recording. */
  readonly details: Record<string, unknown>;
}

/** The API answered, but not with success. */
export class ApiError extends CharafyError {
  readonly status: number;
}
/** 400 */
export class BadRequestError extends ApiError {}
/** 401 */
export class UnauthorizedError extends ApiError {}
/** 402: nothing was done and nothing charged. */
export class InsufficientCreditsError extends ApiError {}
/** 403 */
export class ForbiddenError extends ApiError {}
/** 404 */
export class NotFoundError extends ApiError {}
/** 409 */
export class ConflictError extends ApiError {}
/** 429 */
export class TooManyRequestsError extends ApiError {}
/** 500 and above */
export class InternalServerError extends ApiError {}
/** 502 */
export class UpstreamFailedError extends InternalServerError {}
/** No answer came, or only a part. */
export class ConnectionError extends CharafyError {}
export class TimeoutError extends ConnectionError {}
/** `code` is the video's `error_code`. */
export class VideoFailedError extends CharafyError {}
export class SignatureError extends CharafyError {}
