// What can go wrong: one family, with the API's codes.

export class CharafyError extends Error {
  /**
   * @param {string} message a sentence in English, for the developer
   * @param {{code?: string, status?: number, param?: string, requestId?: string, retryAfter?: number,
   *   details?: object, cause?: unknown}} [more] `retryAfter`: seconds; `details`: what else the answer says
   */
  constructor(message, { code, status, param, requestId, retryAfter, details = {}, cause } = {}) {
    super(message, { cause });
    this.name = new.target.name;
    Object.assign(this, { code, status, param, requestId, retryAfter, details });
  }
}

/** The API answered, but not with success. */
export class ApiError extends CharafyError {}
export class BadRequestError extends ApiError {}
export class UnauthorizedError extends ApiError {}
export class InsufficientCreditsError extends ApiError {}
export class ForbiddenError extends ApiError {}
export class NotFoundError extends ApiError {}
export class ConflictError extends ApiError {}
export class TooManyRequestsError extends ApiError {}
export class InternalServerError extends ApiError {}
export class UpstreamFailedError extends InternalServerError {}

/** No answer, or only a part of one. */
export class ConnectionError extends CharafyError {}
export class TimeoutError extends ConnectionError {}
/** The film was not made; `code` is its `error_code`. */
export class VideoFailedError extends CharafyError {}
/** Not a webhook of ours, or an old one. */
export class SignatureError extends CharafyError {}

const BY_STATUS = {
  400: BadRequestError,
  401: UnauthorizedError,
  402: InsufficientCreditsError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  429: TooManyRequestsError,
  502: UpstreamFailedError,
};

/** @param {Response} answer of the API, not a success */
export async function ofAnswer(answer) {
  const { status, headers } = answer;
  const said = (await answer.json().catch(() => null)) ?? {};
  const { error, code, param, request_id, ...details } = said;
  const Kind = BY_STATUS[status] ?? (status >= 500 ? InternalServerError : ApiError);
  return new Kind(typeof error === "string" ? error : `The server answered ${status || "with a redirect"}.`, {
    code: code ?? `http_${status}`,
    status,
    param: param ?? undefined,
    requestId: request_id ?? headers.get("x-request-id") ?? undefined,
    retryAfter: secondsOf(headers.get("retry-after")),
    details,
  });
}

/** Of a `Retry-After`: seconds, or a date as proxies write it. */
function secondsOf(text) {
  if (!text) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
