// The microphone, and whether it is open: never while muted, and with push to talk only while held.

import { ConversationError, ofMicrophone } from "./errors.js";

const WISHES = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
/** The end of the last word is still under way when the key is let go. */
const TAIL_MS = 150;

export class Microphone {
  /** @type {MediaStreamTrack | null} */
  track = null;
  muted = false;
  pushToTalk = false;
  held = false;

  /** @param {(track: MediaStreamTrack) => void} onLost told when it is unplugged */
  constructor(onLost) {
    this.onLost = onLost;
  }

  /** Ask for it, in the reader's browser. Rejects with a `ConversationError`. */
  async open() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new ConversationError("insecure_context", "Browsers open the microphone only on pages that come by HTTPS (or from localhost).");
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: WISHES });
    } catch (cause) {
      throw ofMicrophone(cause);
    }
    const [track] = stream.getAudioTracks();
    if (this.closed) {
      track.stop(); // closed while the browser was asking
      return;
    }
    this.track = track;
    track.addEventListener("ended", () => this.track === track && this.onLost(track));
    this.gate();
  }

  /** @param {Partial<{muted: boolean, pushToTalk: boolean, held: boolean}>} change */
  set(change) {
    const letGo = this.held && change.held === false;
    Object.assign(this, change);
    clearTimeout(this.closing);
    if (letGo && this.open_) this.closing = setTimeout(() => this.gate(), TAIL_MS);
    else this.gate();
  }

  gate() {
    this.open_ = !this.muted && (!this.pushToTalk || this.held);
    if (this.track) this.track.enabled = this.open_;
  }

  close() {
    this.closed = true;
    clearTimeout(this.closing);
    this.track?.stop();
    this.track = null;
  }
}
