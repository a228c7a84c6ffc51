// A live conversation with a character: speaks through the microphone, hears by an audio element.
//
//   const { token, connect_url, ice_servers, livekit_url } = await (await fetch("/my-server/token")).json();
//   const talk = new CharafyConversation({
//     token, connectUrl: connect_url, iceServers: ice_servers, livekitUrl: livekit_url,
//   });
//   talk.addEventListener("caption", ({ detail }) => console.log(detail.who, detail.text));
//   await talk.connect(); // after a click: browsers keep silent before

import { ConversationError } from "./errors.js";
import { Kept } from "./kept.js";
import { Microphone } from "./microphone.js";
import { Peer } from "./peer.js";
import { VERSION, decode, encode } from "./protocol.js";
import { Playout, Speech } from "./speech.js";

export { ConversationError };
export { moveFace } from "./face.js";

/** Pauses before the tries of one (re)connection. */
const PAUSES_S = [0, 1, 2, 4, 8];
const LONGEST_PAUSE_S = 10;
const READY_MS = 15_000;
const LOOK_MS = 1000;

/** What the server says -> what this module does with it. */
const HEARD = {
  "bot-ready": (talk, data) => talk.welcome(data),
  "user-started-speaking": (talk) => talk.tell("user", { speaking: true }),
  "user-stopped-speaking": (talk) => talk.tell("user", { speaking: false }),
  "user-transcription": (talk, { text, final }) => talk.tell("caption", { who: "user", text, final, reply: null }),
  "bot-started-speaking": (talk, { reply }) => talk.tell("character", { speaking: true, reply }),
  "bot-stopped-speaking": (talk, { reply }) => talk.tell("character", { speaking: false, reply }),
  "bot-transcription": (talk, { reply, text }) => talk.tell("caption", { who: "character", text, final: true, reply }),
  "bot-tts-text": (talk, { reply, text }) => talk.tell("word", { reply, text }),
  metrics: (talk, { turn, stages }) => talk.tell("latency", { turn, stages, ...talk.network }),
  error: (talk, data) => talk.complain(data),
  "server-message/speech": (talk, data) => talk.tell("speech", talk.said.add(data)),
  "server-message/speech-paused": (talk, { reply }) => talk.tell("hush", { reply, ended: false }),
  "server-message/speech-resumed": (talk, data) => talk.resume(data),
  "server-message/speech-ended": (talk, data) => talk.endSpeech(data),
  "server-message/state": (talk, { state }) => talk.become(state),
  "server-message/received": (talk, { id }) => talk.kept.received(id) && talk.tell("received", { id }),
  "server-message/limit": (talk, { remaining_s }) => talk.tell("limit", { remaining_s }),
  "server-message/video-stopped": (talk, { reason }) => talk.tell("videostopped", { reason }),
  "server-message/taken-over": (talk) => talk.tell("hush", { reply: talk.said.reply, ended: true }),
  "server-message/ended": (talk, { reason }) => talk.finish(reason),
};

export class CharafyConversation extends EventTarget {
  /** @param {import("./charafy-conversation.d.ts").ConversationOptions} options */
  constructor({ token, connectUrl, livekitUrl = null, iceServers = [], audioElement, videoElement, render = "client", microphone = true }) {
    super();
    this.wanted = { token, connectUrl: String(connectUrl), livekitUrl, iceServers, render };
    this.sound = audioElement ?? new Audio();
    this.picture = videoElement ?? null;
    this.mic = microphone ? new Microphone(() => this.replaceMicrophone()) : null;
    this.said = new Speech();
    this.network = { playout_s: 0, round_trip_s: 0 };
    this.state = "idle";
    this.about = null;
    this.kept = new Kept();
    this.name = Math.random().toString(36).slice(2, 10); // another page may go on with the same token
    this.count = 0;
  }

  get muted() {
    return this.mic?.muted ?? true;
  }

  /**
   * Open the microphone and connect. Rejects with a `ConversationError`; then it is over.
   * @returns {Promise<import("./charafy-conversation.d.ts").About>} when the character listens
   */
  async connect() {
    if (this.state !== "idle") throw new ConversationError("used", "A conversation connects once. Make a new one.");
    this.become("connecting");
    try {
      await this.mic?.open();
      await this.reach();
    } catch (error) {
      this.finish(this.over ?? "failed");
      throw error;
    }
    return this.about;
  }

  /** Hang up. */
  async close() {
    this.send("disconnect-bot");
    const { peer } = this;
    this.peer = null; // what it still says is not heard any more
    this.finish("hang_up");
    await peer?.leave();
  }

  /** Close the microphone, or open it again. */
  mute(on) {
    this.mic?.set({ muted: Boolean(on) });
  }

  /** Listen only while `hold(true)`. */
  pushToTalk(on) {
    this.mic?.set({ pushToTalk: Boolean(on), held: false });
    this.ask("mode", { push_to_talk: Boolean(on) });
  }

  /** With push to talk: what is said from `true` to `false` is one turn. */
  hold(on) {
    this.mic?.set({ held: Boolean(on) });
    this.ask("push-to-talk", { on: Boolean(on) });
  }

  /** Say something by keyboard. @returns {string} what `received` will name */
  sendText(content) {
    return this.keep("send-text", { content });
  }

  /** Have the character say exactly this. */
  say(text) {
    return this.urge("say", { text });
  }

  /** Have the character stop. */
  interrupt() {
    this.tell("hush", { reply: this.said.reply, ended: false }); // the mouth needn't wait for the server
    this.ask("interrupt");
  }

  /** What the character calls the visitor. */
  setName(name) {
    return this.urge("name", { name });
  }

  // Inside

  /** Try to connect, a few times with growing pauses. */
  async reach() {
    for (let tried = 0; ; tried++) {
      try {
        await this.attempt();
        return;
      } catch (error) {
        this.peer?.close();
        const last = tried + 1 >= PAUSES_S.length || error.retryAfter === undefined;
        if (this.over || last || error.retryAfter > LONGEST_PAUSE_S) throw error;
        await pause(Math.max(PAUSES_S[tried + 1], error.retryAfter));
        if (this.over) throw error;
      }
    }
  }

  async attempt() {
    const Carrier = await this.carrier();
    if (this.over) throw new ConversationError("closed", "The conversation was closed.");
    const again = Boolean(this.about);
    const about = { ...this.wanted, again, pcId: this.pcId ?? null, microphone: this.mic?.track ?? null };
    const peer = new Carrier(about, {
      message: (message) => this.peer === peer && this.hear(message),
      track: (track) => this.show(track),
      away: () => this.peer === peer && this.wait(),
      back: () => this.peer === peer && !this.arriving && this.about && this.welcome(this.about),
      lost: () => this.peer === peer && this.recover(),
      gone: () => this.peer === peer && this.loseConnection(),
    });
    this.peer = peer;
    this.arriving = true;
    try {
      const { pc_id } = await peer.open();
      this.pcId = pc_id;
      await this.greet();
    } finally {
      this.arriving = false;
    }
    clearInterval(this.looking);
    this.playout = new Playout();
    this.looking = setInterval(() => this.look(), LOOK_MS);
  }

  /** What carries it: a room where LiveKit does, and only then its client is loaded. */
  async carrier() {
    if (!this.wanted.livekitUrl) return Peer;
    try {
      return (await import("./room.js")).Room;
    } catch (cause) {
      throw new ConversationError("unreachable", "The server can't be reached.", { cause, retryAfter: 1 });
    }
  }

  /** Until the character is there; it introduces itself once, not on each connection. */
  greet() {
    this.send("client-ready", { version: VERSION, about: { library: "charafy-conversation", platform: "web" } });
    if (this.mic?.pushToTalk) this.ask("mode", { push_to_talk: true });
    if (this.about) return this.welcome(this.about);
    return new Promise((resolve, reject) => {
      const silent = () => reject(new ConversationError("silent", "The character doesn't answer.", { retryAfter: 1 }));
      const timer = setTimeout(silent, READY_MS);
      this.ready = () => (clearTimeout(timer), resolve());
    });
  }

  welcome(about) {
    if (this.state !== "connecting" && this.state !== "reconnecting") return;
    this.about = about;
    this.become("listening");
    this.tell("ready", about);
    this.ready?.();
    this.repeat(true);
  }

  /** The character can't be heard; what carries us looks for it. */
  wait() {
    if (this.over || this.arriving || this.state === "reconnecting") return;
    this.tell("hush", { reply: this.said.reply, ended: false });
    this.become("reconnecting");
  }

  /** The connection is gone, the conversation isn't: take it up anew. */
  async recover() {
    if (this.over || this.arriving || this.recovering) return;
    this.wait();
    this.recovering = true;
    try {
      await this.reach();
    } catch (error) {
      this.loseConnection(error);
    } finally {
      this.recovering = false;
    }
  }

  loseConnection(cause) {
    if (this.over) return;
    this.complain({ code: "connection_lost", message: "The connection was lost.", fatal: true, cause });
  }

  async replaceMicrophone() {
    const fresh = new Microphone(() => this.replaceMicrophone());
    Object.assign(fresh, { muted: this.mic.muted, pushToTalk: this.mic.pushToTalk, held: this.mic.held });
    try {
      await fresh.open();
      if (this.over) return fresh.close();
      this.mic = fresh;
      await this.peer?.replaceMicrophone(fresh.track);
    } catch (error) {
      this.complain({ code: error.code ?? "microphone_failed", message: error.message, fatal: false, cause: error });
    }
  }

  show(track) {
    const element = track.kind === "audio" ? this.sound : this.picture;
    if (!element) return;
    // Sound flows in Chromium only where it is attached to an element, muted or not.
    element.srcObject = new MediaStream([track]);
    element.play?.().catch((cause) => {
      if (cause.name === "NotAllowedError") {
        this.complain({ code: "playback_blocked", message: "The browser lets this page be heard only after a click.", fatal: false, cause });
      }
    });
  }

  async look() {
    const { peer } = this;
    if (this.state !== "reconnecting") this.repeat();
    const stats = await peer?.stats();
    const found = stats && this.playout.look(stats);
    Object.assign(this.network, found);
    if (found?.playout_s) this.said.playout_s = found.playout_s;
  }

  hear(message) {
    const heard = decode(message);
    if (heard && Object.hasOwn(HEARD, heard.name)) HEARD[heard.name](this, heard.data);
  }

  resume(data) {
    const left = this.said.resume(data);
    if (left) this.tell("speech", left);
  }

  endSpeech({ reply, heard, interrupted }) {
    if (interrupted) this.tell("hush", { reply, ended: true });
    this.tell("speechended", { reply, heard, interrupted });
  }

  complain({ code, message, fatal = false, cause }) {
    this.tell("error", { code, message, fatal, cause });
    if (fatal) this.finish(code === "connection_lost" ? "disconnected" : "failed");
  }

  become(state) {
    if (this.over || state === this.state) return;
    this.state = state;
    this.tell("state", { state });
  }

  finish(reason) {
    if (this.over) return;
    this.become("ended");
    this.over = reason;
    clearInterval(this.looking);
    this.mic?.close();
    this.sound.srcObject = null;
    if (this.picture) this.picture.srcObject = null;
    this.peer?.close();
    this.tell("ended", { reason });
  }

  ask(topic, data = {}) {
    this.send("client-message", { t: topic, d: data });
  }

  send(type, data = {}) {
    this.pass(type, data, this.newId());
  }

  /** Send it, and again until the server has it. */
  keep(type, data) {
    const id = this.newId();
    this.kept.add(id, type, data, performance.now());
    this.pass(type, data, id);
    return id;
  }

  urge(topic, data) {
    return this.keep("client-message", { t: topic, d: data });
  }

  repeat(anew = false) {
    for (const { type, data, id } of this.kept.due(performance.now(), anew)) this.pass(type, data, id, true);
  }

  pass(type, data, id, again) {
    this.peer?.send(encode(type, data, id, again));
  }

  newId() {
    return `${this.name}-${++this.count}`;
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
