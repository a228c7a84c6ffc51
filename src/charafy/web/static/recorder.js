// A recording made in the page, for a field of files: with a clock, a level, and the recording to be heard.

export class Recorder {
  /** `file`: the field that the recording goes into; `longestS`: seconds after which it ends by itself. */
  constructor(box, file, { longestS }) {
    this.box = box;
    this.file = file;
    this.longestS = longestS;
    this.button = box.querySelector("button");
    this.clock = box.querySelector("[data-clock]");
    this.meter = box.querySelector("meter");
    this.note = box.querySelector("[data-told]");
    this.player = box.querySelector("audio");
    this.recorder = null;
    box.hidden = false;
    file.addEventListener("change", () => this.play(file.files[0]));
    if (!window.isSecureContext) {
      this.refuse(box.dataset.insecure);
    } else if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
      this.refuse(box.dataset.none);
    } else {
      this.button.addEventListener("click", () => (this.recorder ? this.stop() : this.start()));
    }
  }

  refuse(words) {
    this.button.disabled = true;
    this.note.textContent = words;
  }

  async start() {
    this.note.textContent = "";
    this.button.disabled = true;
    try {
      // As the voice is: what calls do against noise takes some of it away.
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
    } catch (error) {
      this.note.textContent = error.name === "NotFoundError" ? this.box.dataset.none : this.box.dataset.blocked;
      return;
    } finally {
      this.button.disabled = false;
    }
    const parts = [];
    this.recorder = new MediaRecorder(this.stream);
    this.recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    this.recorder.addEventListener("stop", () => this.take(new Blob(parts, { type: this.recorder.mimeType })));
    this.recorder.start();
    this.began = performance.now();
    this.listen();
    this.button.textContent = this.box.dataset.stop;
    this.button.setAttribute("aria-pressed", "true");
    this.player.hidden = true;
    this.timer = setInterval(() => this.tick(), 100);
  }

  listen() {
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.context.createMediaStreamSource(this.stream).connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  tick() {
    const seconds = (performance.now() - this.began) / 1000;
    this.clock.textContent = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, sample) => sum + sample * sample, 0) / this.samples.length;
    // -60..0 dB of full scale
    this.meter.value = Math.max(0, 1 + Math.log10(power + 1e-9) / 6);
    if (seconds >= this.longestS) this.stop();
  }

  stop() {
    clearInterval(this.timer);
    this.recorder?.stop();
    for (const track of this.stream.getTracks()) track.stop();
    this.context.close();
    this.meter.value = 0;
    this.button.textContent = this.box.dataset.again;
    this.button.removeAttribute("aria-pressed");
  }

  // Into the form, as if it were a file that was chosen.
  take(recording) {
    this.recorder = null;
    const kind = recording.type.split(";")[0].split("/")[1] || "webm";
    const files = new DataTransfer();
    files.items.add(new File([recording], `recording.${kind}`, { type: recording.type }));
    this.file.files = files.files;
    this.file.dispatchEvent(new Event("change", { bubbles: true }));
    this.note.textContent = this.box.dataset.recorded;
  }

  // What was chosen or recorded can be heard before it is sent.
  play(recording) {
    if (this.player.src) URL.revokeObjectURL(this.player.src);
    if (!this.button.disabled) this.note.textContent = "";
    this.player.hidden = !recording;
    if (recording) this.player.src = URL.createObjectURL(recording);
    else this.player.removeAttribute("src");
  }
}
