// The names on the data channel: RTVI's, and ours inside its two envelopes. The table with what
// each carries is docs/conversation-protocol.md.

export const LABEL = "rtvi-ai";
export const VERSION = "1.2.0";

/** @param {string} type @param {object} data @param {string} id @param {boolean} [again] it was sent before */
export const encode = (type, data, id, again) => JSON.stringify({ label: LABEL, type, id, data, again: again || undefined });

/**
 * @param {unknown} message of the data channel
 * @returns {{name: string, data: any} | null} `name`: the type, for our own "server-message/" and
 *   the topic; null for what is none of ours: newer servers may say more
 */
export function decode(message) {
  if (typeof message !== "string") return null;
  try {
    const { label, type, data } = JSON.parse(message);
    if (label !== LABEL || typeof type !== "string") return null;
    return { name: type === "server-message" ? `${type}/${data?.t}` : type, data: data ?? {} };
  } catch {
    return null;
  }
}
