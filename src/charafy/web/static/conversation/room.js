// A room of LiveKit with a character in it: what peer.js is to a connection of our own. Imported only
// when there is one: LiveKit's client is larger than everything else together.

import {
  ConnectionErrorReason,
  ConnectionState,
  DisconnectReason,
  Room as LiveKitRoom,
  RoomEvent,
  Track,
  setLogLevel,
} from "../livekit/livekit-client.js";
import { ConversationError } from "./errors.js";

setLogLevel("silent"); // what matters is told

const TOPIC = "charafy";
const CHARACTER = "character";
const OPENING_MS = 15_000;
/** A process that is lost is replaced, or the room is closed; longer than either takes. */
const AWAY_MS = 120_000;
const FAREWELL_MS = 250;
/** Over for good, whoever comes again: the server's doing, or another page's with the same token. */
const FINAL = ["ROOM_DELETED", "ROOM_CLOSED", "PARTICIPANT_REMOVED", "DUPLICATE_IDENTITY"];

/**
 * @typedef {object} Wanted
 * @property {string} livekitUrl
 * @property {string} token
 * @property {MediaStreamTrack | null} microphone
 * @property {boolean} again whether a conversation is taken up
 *
 * @typedef {object} Told
 * @property {(message: unknown) => void} message
 * @property {(track: MediaStreamTrack) => void} track
 * @property {() => void} away the character can't be heard, and may come back
 * @property {() => void} back
 * @property {() => void} lost this room is; another may be opened
 * @property {() => void} gone no other will do
 */

export class Room {
  /** @param {Wanted} wanted @param {Told} told */
  constructor(wanted, told) {
    Object.assign(this, { wanted, told });
    // The microphone isn't the room's own: it is needed in the next one.
    this.room = new LiveKitRoom({ stopLocalTrackOnUnpublish: false });
    this.leaving = new AbortController();
    this.watch();
  }

  /**
   * Resolves when messages can be sent. Rejects with a `ConversationError`.
   * @returns {Promise<{}>}
   */
  async open() {
    const { livekitUrl, token, microphone, again } = this.wanted;
    try {
      await this.room.connect(livekitUrl, token);
      if (microphone) await this.speak(microphone);
    } catch (cause) {
      throw refused(cause);
    }
    if (again) await this.met();
    return {};
  }

  watch() {
    const { room, told } = this;
    const on = (event, act) => room.on(event, (...given) => this.leaving.signal.aborted || act(...given));
    on(RoomEvent.DataReceived, (data, _who, _kind, topic) => {
      if (topic === TOPIC) told.message(new TextDecoder().decode(data));
    });
    on(RoomEvent.TrackSubscribed, (track, _, { identity }) => identity === CHARACTER && this.take(track));
    on(RoomEvent.ParticipantConnected, ({ identity }) => identity === CHARACTER && this.ready && this.returned());
    on(RoomEvent.ParticipantDisconnected, ({ identity }) => identity === CHARACTER && this.miss());
    for (const event of [RoomEvent.Reconnecting, RoomEvent.SignalReconnecting]) on(event, () => this.miss());
    on(RoomEvent.Reconnected, () => this.there && this.returned());
    on(RoomEvent.Disconnected, (reason) => {
      this.close();
      if (FINAL.includes(DisconnectReason[reason])) told.gone();
      else told.lost();
    });
  }

  /** Whether messages can be sent. */
  get ready() {
    return this.room.state === ConnectionState.Connected;
  }

  get there() {
    return this.room.remoteParticipants.has(CHARACTER);
  }

  take(track) {
    // As little as the network allows: a conversation suffers more from waiting than from a click,
    // and browsers hold sound back for a picture that waits.
    track.receiver.jitterBufferTarget = 0;
    if (track.kind === "audio") this.voice = track;
    this.told.track(track.mediaStreamTrack);
  }

  miss() {
    clearTimeout(this.missing);
    this.missing = setTimeout(() => this.lose(), AWAY_MS);
    this.told.away();
  }

  returned() {
    clearTimeout(this.missing);
    this.found?.();
    this.told.back();
  }

  /** Until the character is in the room. */
  met() {
    if (this.there) return undefined;
    return new Promise((resolve, reject) => {
      const silent = () => reject(new ConversationError("silent", "The character doesn't answer.", { retryAfter: 1 }));
      const timer = setTimeout(silent, OPENING_MS);
      this.leaving.signal.addEventListener("abort", silent, { once: true });
      this.found = () => (clearTimeout(timer), resolve());
    });
  }

  async speak(microphone) {
    const source = Track.Source.Microphone;
    this.said = await this.room.localParticipant.publishTrack(microphone, { source });
  }

  /** @param {MediaStreamTrack} microphone instead of the one before */
  async replaceMicrophone(microphone) {
    if (this.said) await this.said.track.replaceTrack(microphone, true);
    else await this.speak(microphone);
  }

  /** @returns {Promise<RTCStatsReport | undefined>} of the voice's connection */
  stats() {
    return this.voice?.getRTCStatsReport();
  }

  /** @param {string} message @returns {boolean} whether it is on its way */
  send(message) {
    if (!this.ready) return false;
    const data = new TextEncoder().encode(message);
    this.last = this.room.localParticipant.publishData(data, { reliable: true, topic: TOPIC });
    this.last.catch(() => {}); // a room that is lost says so by itself
    return true;
  }

  lose() {
    if (this.leaving.signal.aborted) return;
    this.close();
    this.told.lost();
  }

  /** Let what was sent last still go out, then close. */
  async leave() {
    const late = new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
    await Promise.race([this.last?.catch(() => {}), late]);
    this.close();
  }

  close() {
    if (this.leaving.signal.aborted) return;
    this.leaving.abort();
    clearTimeout(this.missing);
    this.room.disconnect(false);
  }
}

/** @returns {ConversationError} for what LiveKit's client threw */
function refused(cause) {
  const { reason, status } = cause ?? {};
  if (reason === ConnectionErrorReason.NotAllowed) {
    return new ConversationError("invalid_token", "This token is no longer good; get a new one.", { cause, status: status ?? 401 });
  }
  const far = reason === undefined || reason === ConnectionErrorReason.InternalError;
  const [code, message] = far ? ["no_route", "The two ends can't reach each other."] : ["unreachable", "The server can't be reached."];
  return new ConversationError(code, message, { cause, retryAfter: 1 });
}
