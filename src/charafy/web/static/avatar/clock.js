// Time of the sound that is being heard, in seconds, smooth enough to draw by.
//
// Media clocks advance in steps (4 ms to 250 ms, by browser); between two steps the time runs on at
// the playback rate, and each step pulls it back by a part of what it was off, so that it neither
// trembles nor drifts. A jump is followed at once; a clock that stands still stops the time.

const JUMP_S = 0.12;
const PULL = 0.2;
const STILL_S = 0.3;

export class Clock {
  /**
   * @param {() => number} read the raw time, in seconds
   * @param {() => number} [rate] how fast it runs; 0 while it is known to stand
   */
  constructor(read, rate = () => 1) {
    this.read = read;
    this.rate = rate;
    this.raw = NaN;
    this.changed = 0;
    this.before = 0;
    this.time = 0;
    /** Whether the sound goes on. */
    this.running = false;
  }

  /**
   * @param {number} now monotonic seconds
   * @returns {number} the time of the sound
   */
  at(now) {
    const raw = this.read();
    const rate = this.rate();
    const moved = raw !== this.raw;
    if (Number.isNaN(this.raw) || rate === 0) {
      this.time = raw;
      this.running = rate !== 0 && !Number.isNaN(this.raw) && moved;
      this.changed = now;
    } else if (moved) {
      this.follow(raw, this.running ? (now - this.before) * rate : 0);
      this.running = true;
      this.changed = now;
    } else if (now - this.changed > STILL_S) {
      this.running = false;
      this.time = raw;
    } else if (this.running) {
      this.time += (now - this.before) * rate;
    }
    this.raw = raw;
    this.before = now;
    return this.time;
  }

  /** @param {number} raw @param {number} ran how far the time ran since the last look */
  follow(raw, ran) {
    const expected = this.time + ran;
    const off = raw - expected;
    // Never backwards for a little: a mouth that trembles shows more than one that is 5 ms late.
    this.time = Math.abs(off) > JUMP_S ? raw : Math.max(this.time, expected + off * PULL);
  }
}

/** @param {HTMLMediaElement} media */
export const clockOf = (media) =>
  new Clock(
    // Browsers count what the loudspeaker has played here, output latency included.
    () => media.currentTime,
    () => (media.paused || media.seeking || media.ended || media.readyState < 3 ? 0 : media.playbackRate),
  );
