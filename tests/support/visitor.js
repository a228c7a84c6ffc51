// A microphone that says what it is given, and ears that hear what comes back, on one clock: that of
// one AudioContext. Runs in a page before its own scripts, and stands in for its microphone.
(() => {
  const BLOCK_S = 0.01;
  const METER = `registerProcessor("meter", class extends AudioWorkletProcessor {
    constructor() {
      super();
      Object.assign(this, { sum: 0, peak: 0, count: 0, at: 0, told: [] });
    }
    process([[samples]]) {
      const size = Math.round(sampleRate * ${BLOCK_S});
      for (let i = 0; i < 128; i++) {
        if (this.count === 0) this.at = currentTime + i / sampleRate;
        const value = samples ? samples[i] : 0;
        this.sum += value * value;
        if (++this.count < size) continue;
        this.told.push([this.at, Math.sqrt(this.sum / size)]);
        Object.assign(this, { sum: 0, count: 0 });
      }
      if (this.told.length >= 5) this.port.postMessage(this.told.splice(0));
      return true;
    }
  });`;

  const visitor = {
    messages: [], // [when, message of RTVI], from all connections in order
    blocks: [], // [when, loudness (RMS)] of what is heard, 10 ms each
    calls: [], // every connection
    said: null,

    open() {
      if (this.opened) return this.opened;
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.mouth = this.context.createMediaStreamDestination();
      // A microphone is never still, and a destination that nothing reaches sends nothing at all.
      const noise = new AudioBuffer({ length: 48_000, sampleRate: 48_000 });
      noise.getChannelData(0).forEach((_, i, all) => (all[i] = (Math.random() - 0.5) * 4e-4));
      const room = new AudioBufferSourceNode(this.context, { buffer: noise, loop: true });
      room.connect(this.mouth);
      room.start();
      const url = URL.createObjectURL(new Blob([METER], { type: "text/javascript" }));
      this.opened = this.context.audioWorklet.addModule(url);
      return this.opened;
    },

    now() {
      this.open();
      return this.context.currentTime;
    },

    /** Say base64 of float32 mono. Resolves to when it begins and ends. */
    async say(encoded, rate) {
      await this.open();
      const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
      const samples = new Float32Array(bytes.buffer);
      const buffer = this.context.createBuffer(1, samples.length, rate);
      buffer.copyToChannel(samples, 0);
      const source = new AudioBufferSourceNode(this.context, { buffer });
      source.connect(this.mouth);
      const begin = this.context.currentTime + 0.1;
      source.start(begin);
      this.said = source;
      return [begin, begin + buffer.duration];
    },

    async hear(track) {
      await this.open();
      const source = this.context.createMediaStreamSource(new MediaStream([track]));
      const meter = new AudioWorkletNode(this.context, "meter", { numberOfOutputs: 0 });
      meter.port.onmessage = ({ data }) => this.blocks.push(...data);
      source.connect(meter);
      track.addEventListener("ended", () => source.disconnect());
    },

    /** Note what comes over a channel: of LiveKit's packets only our messages in them. */
    read(channel) {
      channel.addEventListener("message", ({ data }) => {
        const text = typeof data === "string" ? data : new TextDecoder().decode(data);
        const begin = text.indexOf('{"label"');
        if (begin < 0) return;
        const said = JSON.parse(text.slice(begin, text.lastIndexOf("}") + 1));
        if (said.label === "rtvi-ai") this.messages.push([this.now(), said]);
      });
    },

    /** All that is new since the last time. */
    take() {
      const news = { now: this.now(), clock: performance.now() / 1000, messages: this.messages, blocks: this.blocks };
      Object.assign(this, { messages: [], blocks: [] });
      return news;
    },
  };

  navigator.mediaDevices.getUserMedia = async () => {
    await visitor.open();
    return visitor.mouth.stream.clone();
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      visitor.calls.push(this);
      this.addEventListener("datachannel", ({ channel }) => visitor.read(channel));
      this.addEventListener("track", ({ track }) => track.kind === "audio" && visitor.hear(track));
    }

    createDataChannel(...given) {
      const channel = super.createDataChannel(...given);
      visitor.read(channel);
      return channel;
    }
  };
  window.visitor = visitor;
})();
