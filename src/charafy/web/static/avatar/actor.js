// Decides what the face does at a moment: what it says, and its idle life around it.

import { CHANNELS, MOUTH_END, mix, rest } from "./pose.js";
import { scriptOfCues } from "./script.js";

const MOUTH_IN_S = 0.06;
/** A mouth that is cut off has settled after this. */
export const SETTLE_S = 0.15;
const HEAD_S = 0.6;

export class Actor {
  /** @param {import("./script.js").Manner} manner */
  constructor(manner) {
    this.said = rest();
    this.mouth = 0;
    this.head = 0;
    this.before = 0;
    this.behave(manner);
    this.release();
  }

  /** @param {import("./script.js").Manner} manner */
  behave(manner) {
    this.idle = scriptOfCues([], manner);
  }

  /**
   * @param {(time: number) => Float32Array} script
   * @param {import("./clock.js").Clock} clock
   */
  perform(script, clock) {
    this.script = script;
    this.clock = clock;
  }

  /** Say nothing more. */
  release() {
    this.script = null;
    this.clock = null;
  }

  /** The sound's time, or null when there is none. */
  get time() {
    return this.clock ? this.clock.time : null;
  }

  /** Whether the mouth is at work or still settling. */
  get busy() {
    return this.mouth > 0 || Boolean(this.clock?.running);
  }

  /**
   * @param {number} now monotonic seconds
   * @returns {Float32Array} the pose, the caller's own
   */
  poseAt(now) {
    const passed = Math.min(Math.max(now - this.before, 0), 0.25);
    this.before = now;
    const time = this.clock?.at(now);
    const speaking = Boolean(this.clock?.running);
    if (speaking) this.said = this.script(time);
    this.mouth = towards(this.mouth, speaking, passed, speaking ? MOUTH_IN_S : SETTLE_S);
    this.head = towards(this.head, speaking, passed, HEAD_S);
    const row = this.idle(now);
    mix(row, this.said, this.mouth, 0, MOUTH_END);
    mix(row, this.said, ease(this.head), MOUTH_END, CHANNELS.length);
    return row;
  }
}

const ease = (x) => x * x * (3 - 2 * x);

/** `value` on its way to 1 (or back to 0), which takes `whole` seconds. */
function towards(value, up, passed, whole) {
  const step = passed / whole;
  return Math.min(Math.max(value + (up ? step : -step), 0), 1);
}
