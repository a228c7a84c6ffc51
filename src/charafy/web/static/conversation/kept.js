// What a visitor typed or asked for, until the server says that it has it. A message can be lost with
// the connection that it went over, or with the process that it went to: then it is sent again.

const AGAIN_MS = 2500;
/** Somebody who writes more than that while nothing goes out means the last of it. */
const MOST = 20;

export class Kept {
  constructor() {
    this.waiting = new Map();
  }

  /** @param {string} id @param {string} type @param {object} data @param {number} now ms */
  add(id, type, data, now) {
    this.waiting.set(id, { type, data, sent: now });
    if (this.waiting.size > MOST) this.waiting.delete(this.waiting.keys().next().value);
  }

  /** @param {string} id @returns {boolean} whether it was waited for */
  received(id) {
    return this.waiting.delete(id);
  }

  /**
   * What to send once more, the oldest first; the server takes each once.
   * @param {number} now ms @param {boolean} anew over a new connection: whatever was sent just before
   */
  due(now, anew) {
    const found = [...this.waiting].filter(([, one]) => anew || now - one.sent >= AGAIN_MS);
    for (const [, one] of found) one.sent = now;
    return found.map(([id, { type, data }]) => ({ id, type, data }));
  }
}
