// The page of voices: recording in the browser, checking before paying, and watching refinements.
// Without scripts the form works all the same: a file is chosen, checked and sent.

const LONGEST_S = 30;
const LOOK_MS = 5000;

const form = document.querySelector("#clone");
const file = form.querySelector("input[type=file]");
const report = form.querySelector("[data-report]");
const send = form.querySelector("[data-send]");
const said = form.querySelector(":scope > [data-note]");

// Before paying: what the recording is good for.

let asked = 0;

async function check() {
  const turn = ++asked;
  send.disabled = false;
  report.replaceChildren();
  if (!file.files.length) return;
  const waiting = document.createElement("p");
  waiting.className = "soft";
  waiting.textContent = form.dataset.checking;
  report.replaceChildren(waiting);
  const sent = new FormData();
  sent.append("csrf_token", form.elements.csrf_token.value);
  sent.append("audio", file.files[0]);
  let html;
  try {
    const address = form.querySelector("[data-check]").getAttribute("formaction");
    const answer = await fetch(`${address}?part=report`, { method: "POST", body: sent });
    html = answer.ok ? await answer.text() : null;
  } catch {
    html = null;
  }
  if (turn !== asked) return; // another recording was chosen meanwhile
  if (html === null) {
    waiting.textContent = form.dataset.failed;
    return;
  }
  report.innerHTML = html;
  send.disabled = report.querySelector("[data-usable=no], .notice.bad") !== null;
}

file.addEventListener("change", check);
// It is checked as soon as it is chosen: nobody needs the button.
form.querySelector("[data-check]").hidden = true;

form.addEventListener("submit", () => {
  said.textContent = form.dataset.waiting;
  // Not before the browser has taken the form's values.
  setTimeout(() => { send.disabled = true; }, 0);
});
// Back from the next page: what was disabled there is so no more.
window.addEventListener("pageshow", () => { send.disabled = false; });

// Recording

class Recorder {
  constructor(box) {
    this.box = box;
    this.button = box.querySelector("button");
    this.clock = box.querySelector("[data-clock]");
    this.meter = box.querySelector("meter");
    this.note = box.querySelector("[data-note]");
    this.player = box.querySelector("audio");
    this.recorder = null;
    box.hidden = false;
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
    this.clock.textContent = `0:${String(Math.floor(seconds)).padStart(2, "0")}`;
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, sample) => sum + sample * sample, 0) / this.samples.length;
    // -60..0 dB of full scale
    this.meter.value = Math.max(0, 1 + Math.log10(power + 1e-9) / 6);
    if (seconds >= LONGEST_S) this.stop();
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
    file.files = files.files;
    if (this.player.src) URL.revokeObjectURL(this.player.src);
    this.player.src = URL.createObjectURL(recording);
    this.player.hidden = false;
    this.note.textContent = this.box.dataset.recorded;
    check();
  }
}

new Recorder(form.querySelector(".recorder"));

// Refinements

const own = document.querySelector("[data-own]");

async function look() {
  const pending = own?.querySelectorAll("[data-pending]") ?? [];
  if (!pending.length) return;
  try {
    const answer = await fetch(own.dataset.address);
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const voice of pending) update(voice, page.getElementById(voice.id));
    }
  } catch {
    // Offline for a moment: the next look tells.
  }
  setTimeout(look, LOOK_MS);
}

function update(voice, now) {
  if (!now) return;
  for (const line of voice.querySelectorAll("[data-live]")) {
    line.textContent = now.querySelector(`[data-live=${line.dataset.live}]`).textContent;
  }
  if (now.hasAttribute("data-pending")) return;
  voice.removeAttribute("data-pending");
  voice.querySelector("audio").load(); // it may sound otherwise now
}

setTimeout(look, LOOK_MS);
