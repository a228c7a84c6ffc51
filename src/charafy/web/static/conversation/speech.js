// When what the character says is heard here, on the clock of this page.
//
// A piece of speech is announced as its sound is sent, so both arrive together; the sound then waits
// in the browser's jitter buffer. Each piece says where it stands in its reply, so each is a sighting
// of when the reply began; they are averaged, as messages and packets tremble apart.

const PULL = 0.2;
const JUMP_S = 0.15;

/** Monotonic seconds. */
export const clock = () => performance.now() / 1000;

export class Speech {
  /** Seconds that sound waits before it is heard; as is usual until it has been measured. */
  playout_s = 0.15;
  reply = null;

  /**
   * @param {any} piece the data of "server-message/speech"
   * @returns what the event `speech` carries
   */
  add({ reply, start_s, duration_s, text, words, visemes }) {
    if (reply !== this.reply) this.begin(reply);
    this.sight(start_s);
    const cues = visemes.map(([viseme, start, end, weight]) => ({ viseme, start_s: start, end_s: end, weight }));
    this.cues = [...this.cues, ...cues];
    this.until_s = start_s + duration_s;
    return { reply, start_s, duration_s, text, words, cues, at: this.began };
  }

  begin(reply) {
    Object.assign(this, { reply, cues: [], began: NaN, until_s: 0 });
  }

  sight(start_s) {
    const seen = clock() + this.playout_s - start_s;
    const off = seen - this.began;
    this.began = Math.abs(off) < JUMP_S ? this.began + off * PULL : seen;
  }

  /**
   * The reply goes on where it was held.
   * @returns what is left of it, as the event `speech` carries it; null when there is nothing
   */
  resume({ reply, at_s }) {
    if (reply !== this.reply) return null;
    this.began = NaN;
    this.sight(at_s);
    const cues = this.cues.filter(({ end_s }) => end_s > at_s);
    if (!cues.length) return null;
    return { reply, start_s: at_s, duration_s: this.until_s - at_s, text: "", words: [], cues, at: this.began };
  }
}

/** How long sound waits in the browser, by the statistics of the connection since the last look. */
export class Playout {
  delay = 0;
  count = 0;

  /**
   * @param {RTCStatsReport} stats
   * @returns {{playout_s?: number, round_trip_s?: number}} without what isn't known (yet)
   */
  look(stats) {
    const found = {};
    for (const entry of stats.values()) {
      if (entry.type === "inbound-rtp" && entry.kind === "audio" && entry.jitterBufferEmittedCount > this.count) {
        found.playout_s = (entry.jitterBufferDelay - this.delay) / (entry.jitterBufferEmittedCount - this.count);
        Object.assign(this, { delay: entry.jitterBufferDelay, count: entry.jitterBufferEmittedCount });
      } else if (entry.type === "candidate-pair" && entry.nominated && entry.currentRoundTripTime !== undefined) {
        found.round_trip_s = entry.currentRoundTripTime;
      }
    }
    return found;
  }
}
