// One WebRTC connection to a character: offers, waits until the data channel is open, keeps it alive.

import { ConversationError, ofAnswer } from "./errors.js";

/** Candidates that come later are sent after the offer. */
const GATHERING_MS = 1000;
const ANSWER_MS = 15_000;
const OPENING_MS = 15_000;
const PING_MS = 1000;
/** A connection that is silent for this long is taken up anew; it may come back by itself before. */
const SILENT_MS = 4000;
const FAREWELL_MS = 250;

/**
 * @typedef {object} Wanted
 * @property {string} connectUrl
 * @property {string} token
 * @property {RTCIceServer[]} iceServers
 * @property {"client" | "server"} render
 * @property {string | null} pcId of the connection that is taken up
 * @property {MediaStreamTrack | null} microphone
 *
 * @typedef {object} Told
 * @property {(message: unknown) => void} message
 * @property {(track: MediaStreamTrack) => void} track
 * @property {() => void} lost
 */

export class Peer {
  /** @param {Wanted} wanted @param {Told} told */
  constructor(wanted, told) {
    Object.assign(this, { wanted, told });
    this.pc = new RTCPeerConnection({ iceServers: wanted.iceServers });
    this.channel = this.pc.createDataChannel("chat", { ordered: true });
    this.sender = this.addMedia();
    this.leaving = new AbortController();
    /** @type {RTCIceCandidate[]} */
    this.late = [];
    this.watch();
  }

  /** @returns {RTCRtpSender} of the microphone */
  addMedia() {
    const { microphone, render } = this.wanted;
    const audio = this.pc.addTransceiver(microphone ?? "audio", { direction: "sendrecv" });
    // As little as the network allows: a conversation suffers more from waiting than from a click.
    audio.receiver.jitterBufferTarget = 0;
    if (render === "server") {
      const video = this.pc.addTransceiver("video", { direction: "recvonly" });
      // Browsers hold sound back for a picture that waits.
      video.receiver.jitterBufferTarget = 0;
    }
    return audio.sender;
  }

  watch() {
    const { pc, channel, told } = this;
    const options = { signal: this.leaving.signal };
    channel.addEventListener("message", ({ data }) => told.message(data), options);
    channel.addEventListener("close", () => this.lose(), options);
    pc.addEventListener("track", ({ track }) => told.track(track), options);
    pc.addEventListener("icecandidate", ({ candidate }) => candidate && this.trickle(candidate), options);
    pc.addEventListener("connectionstatechange", () => {
      clearTimeout(this.silence);
      if (pc.connectionState === "failed" || pc.connectionState === "closed") this.lose();
      if (pc.connectionState === "disconnected") this.silence = setTimeout(() => this.lose(), SILENT_MS);
    }, options);
  }

  /**
   * Resolves when messages can be sent. Rejects with a `ConversationError`.
   * @returns {Promise<{pc_id: string, conversation_id: string}>}
   */
  async open() {
    const { pc } = this;
    await pc.setLocalDescription();
    await this.gathered();
    const answer = await this.post();
    this.pcId = answer.pc_id;
    await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    this.flush();
    await this.opened();
    this.pinging = setInterval(() => this.send(`ping: ${Date.now()}`), PING_MS);
    return answer;
  }

  /** Until all ways to reach this browser are known, or not much longer than most take. */
  gathered() {
    const { pc } = this;
    if (pc.iceGatheringState === "complete") return undefined;
    return new Promise((resolve) => {
      setTimeout(resolve, GATHERING_MS);
      pc.addEventListener("icegatheringstatechange", () => pc.iceGatheringState === "complete" && resolve());
    });
  }

  async post() {
    const { render, pcId } = this.wanted;
    const { sdp, type } = this.pc.localDescription;
    this.late = []; // the others are in the description
    this.offered = true;
    const answer = await this.ask("POST", { sdp, type, render, ...(pcId && { pc_id: pcId }) });
    if (!answer.ok) throw await ofAnswer(answer);
    return answer.json();
  }

  async ask(method, body) {
    const { connectUrl, token } = this.wanted;
    try {
      return await fetch(connectUrl, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        credentials: "omit",
        signal: AbortSignal.any([this.leaving.signal, AbortSignal.timeout(ANSWER_MS)]),
      });
    } catch (cause) {
      throw new ConversationError("unreachable", "The server can't be reached.", { cause, retryAfter: 1 });
    }
  }

  trickle(candidate) {
    if (!this.offered) return;
    this.late.push(candidate);
    if (this.pcId) this.flush();
  }

  flush() {
    if (!this.late.length) return;
    const candidates = this.late.map(({ candidate, sdpMid, sdpMLineIndex }) => ({
      candidate,
      sdp_mid: sdpMid,
      sdp_mline_index: sdpMLineIndex,
    }));
    this.late = [];
    // One way more to reach us; where it gets lost, the others still lead here.
    this.ask("PATCH", { pc_id: this.pcId, candidates }).catch(() => {});
  }

  opened() {
    const { channel, leaving } = this;
    if (channel.readyState === "open") return undefined;
    return new Promise((resolve, reject) => {
      const fail = () =>
        reject(new ConversationError("no_route", "The browser and the server can't reach each other. A firewall may be between them; a TURN server helps.", { retryAfter: 1 }));
      const timer = setTimeout(fail, OPENING_MS);
      channel.addEventListener("open", () => (clearTimeout(timer), resolve()), { once: true });
      channel.addEventListener("close", fail, { once: true });
      leaving.signal.addEventListener("abort", fail, { once: true });
    });
  }

  /** @param {MediaStreamTrack} microphone instead of the one before */
  replaceMicrophone(microphone) {
    return this.sender.replaceTrack(microphone);
  }

  stats() {
    return this.pc.getStats();
  }

  /** @param {string} message @returns {boolean} whether it is on its way */
  send(message) {
    if (this.channel.readyState !== "open") return false;
    this.channel.send(message);
    return true;
  }

  lose() {
    if (this.leaving.signal.aborted) return;
    this.close();
    this.told.lost();
  }

  /** Let what was sent last still go out, then close. */
  async leave() {
    const deadline = performance.now() + FAREWELL_MS;
    while (this.channel.bufferedAmount && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.close();
  }

  close() {
    clearInterval(this.pinging);
    clearTimeout(this.silence);
    this.leaving.abort();
    this.pc.close();
  }
}
