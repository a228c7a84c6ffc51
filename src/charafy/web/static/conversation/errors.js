// What can go wrong, with codes that pages can put into words of their own.

export class ConversationError extends Error {
  /**
   * @param {string} code one of those in charafy-conversation.d.ts, or the API's own
   * @param {string} message a sentence in English
   * @param {{cause?: unknown, status?: number, retryAfter?: number}} [more]
   *   `retryAfter`: seconds after which it may go better; without it, trying again is no use
   */
  constructor(code, message, { cause, status, retryAfter } = {}) {
    super(message, { cause });
    this.name = "ConversationError";
    Object.assign(this, { code, status, retryAfter });
  }
}

const MICROPHONE = {
  NotAllowedError: ["microphone_blocked", "The microphone is blocked. Allow it in the browser's settings of this page."],
  SecurityError: ["microphone_blocked", "This page may not use the microphone."],
  NotFoundError: ["microphone_missing", "No microphone was found."],
  OverconstrainedError: ["microphone_missing", "No microphone was found."],
  NotReadableError: ["microphone_busy", "The microphone can't be opened. Another program may be using it."],
};

/** @param {unknown} cause what `getUserMedia` threw */
export function ofMicrophone(cause) {
  const [code, message] = MICROPHONE[cause?.name] ?? ["microphone_failed", "The microphone can't be opened."];
  return new ConversationError(code, message, { cause });
}

/** @param {Response} answer of the API, not a success */
export async function ofAnswer(answer) {
  const said = await answer.json().catch(() => ({}));
  const { status } = answer;
  const asked = Number(answer.headers.get("retry-after"));
  const passing = status === 429 || status >= 500;
  return new ConversationError(said.code ?? "refused", said.error ?? `The server answered ${status}.`, {
    status,
    retryAfter: passing ? asked || 1 : undefined,
  });
}
