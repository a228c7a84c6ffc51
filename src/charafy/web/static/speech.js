// The playground of speech: the sound, its wave, its words as they are said, and the face of who says them.

import "./making.js";
import { AvatarPlayer } from "./avatar/avatar-player.js";

const ICONS = { play: "M7 4.5v15l13-7.5z", stop: "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z" };
const TYPES = { mp3: "audio/mpeg", wav: "audio/wav", flac: "audio/flac", opus: "audio/ogg" };
const ENDINGS = { opus: "ogg" };
const BAR = 3;
const GAP = 2;
/** What fills the wave's height: speech seldom reaches full scale. */
const LOUD = 0.6;

const form = document.querySelector("#speak");
const $ = (selector) => document.querySelector(selector);
const audio = $("[data-audio]");
const words = $("[data-words]");
const seek = $("[data-seek]");
const canvas = $("[data-wave]");
const button = $("[data-play]");
const face = $("[data-face]");
const scene = { player: null, peaks: null, spans: [], duration: 0, turn: 0, cues: null };

form.addEventListener("submit", (event) => {
  event.preventDefault();
  speak();
});
form.elements.text.addEventListener("input", count);
form.elements.speaker.addEventListener("change", enter);
button.addEventListener("click", toggle);
seek.addEventListener("input", () => go((seek.value / 1000) * scene.duration));
words.addEventListener("click", ({ target }) => target.dataset.at && go(Number(target.dataset.at), true));
for (const event of ["play", "pause", "ended", "seeked"]) audio.addEventListener(event, follow);
new ResizeObserver(draw).observe(canvas);
count();
enter();

// What is paid

function count() {
  // As the server counts: code points, not halves of them.
  const chars = [...form.elements.text.value].length;
  const credits = Math.ceil(chars / 100) * Number(form.dataset.rate);
  const dollars = (credits / 100).toFixed(2);
  const words = credits === 1 ? form.dataset.priceOne : form.dataset.price;
  const said = words.replace("{chars}", chars.toLocaleString()).replace("{credits}", credits);
  $("[data-cost]").textContent = said.replace("{dollars}", dollars);
}

// Who speaks

async function enter() {
  const turn = ++scene.turn;
  const option = form.elements.speaker.selectedOptions[0];
  scene.player?.destroy();
  scene.player = null;
  face.querySelector("canvas")?.remove();
  form.elements.text.lang = option?.dataset.language ?? "";
  const { portrait } = option?.dataset ?? {};
  face.hidden = !portrait;
  $(".heard").classList.toggle("with-face", Boolean(portrait));
  if (!portrait) return;
  const still = face.querySelector("img");
  still.src = portrait;
  still.alt = option.textContent;
  try {
    const answer = await fetch(`/dashboard/characters/${option.value}/rig`);
    const { rig } = answer.ok ? await answer.json() : {};
    if (!rig || turn !== scene.turn) return;
    const drawn = document.createElement("canvas");
    still.before(drawn);
    const label = face.dataset.label.replace("{name}", option.textContent);
    const player = await AvatarPlayer.load(rig, { canvas: drawn, label, language: option.dataset.language });
    if (turn !== scene.turn) return player.destroy();
    scene.player = player;
    lips();
  } catch {
    if (turn === scene.turn) face.querySelector("canvas")?.remove(); // the portrait stands there as before
  }
}

/** The face follows the sound wherever it is. */
function lips() {
  if (scene.player && scene.cues) {
    scene.player.clock = () => audio.currentTime;
    scene.player.push(scene.cues);
  }
}

// Speaking

async function speak() {
  const send = form.querySelector("[data-send]");
  const note = form.querySelector("[data-note]");
  const left = note.innerHTML;
  send.disabled = true;
  note.textContent = form.dataset.waiting;
  complain("");
  audio.pause();
  try {
    const answer = await fetch("/dashboard/speech?part=answer", { method: "POST", body: new FormData(form) });
    if (answer.redirected) return location.reload(); // signed out meanwhile
    const said = await answer.json();
    if (!answer.ok) complain(said.error);
    else await show(said);
    note.innerHTML = left;
    if (answer.ok) balance(said.credits_remaining);
  } catch {
    note.innerHTML = left;
    complain(form.dataset.broken);
  } finally {
    send.disabled = false;
  }
}

function balance(credits) {
  const box = form.querySelector("[data-left] .num");
  box.firstChild.textContent = box.firstChild.textContent.replace(/[\d,]+/, credits.toLocaleString("en"));
  for (const purse of document.querySelectorAll(".purse .num")) purse.textContent = credits.toLocaleString("en");
  box.querySelector(".dollars").textContent = `($${(credits / 100).toLocaleString("en", { minimumFractionDigits: 2 })})`;
}

function complain(text) {
  const box = form.querySelector("[data-said]");
  box.replaceChildren();
  if (!text) return;
  const notice = Object.assign(document.createElement("div"), { className: "notice bad" });
  notice.setAttribute("role", "alert");
  notice.append(Object.assign(document.createElement("p"), { textContent: text }));
  box.append(notice);
}

async function show({ audio: data, format, duration_s, words: timed, visemes }) {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  const file = new Blob([bytes], { type: TYPES[format] });
  if (audio.src) URL.revokeObjectURL(audio.src);
  audio.src = URL.createObjectURL(file);
  Object.assign(scene, { duration: duration_s, cues: visemes, peaks: null });
  const download = $("[data-download]");
  download.href = audio.src;
  download.download = `speech.${ENDINGS[format] ?? format}`;
  $("[data-empty]").hidden = true;
  $("[data-result]").hidden = false;
  write(form.elements.text.value, timed);
  lips();
  scene.peaks = await peaksOf(bytes.buffer);
  draw();
  await audio.play().catch(() => follow()); // not allowed: the button is there
}

/** The text as it was written, each word a button to where it is said. */
function write(text, timed) {
  words.replaceChildren();
  words.lang = form.elements.speaker.selectedOptions[0]?.dataset.language ?? "";
  let rest = 0;
  scene.spans = [];
  for (const { text: word, start_s, end_s } of timed) {
    const at = text.indexOf(word, rest);
    if (at < 0) continue; // read otherwise than written
    words.append(text.slice(rest, at));
    const span = Object.assign(document.createElement("span"), { textContent: word });
    span.dataset.at = start_s;
    words.append(span);
    scene.spans.push({ span, start_s, end_s });
    rest = at + word.length;
  }
  words.append(text.slice(rest));
}

// The wave

async function peaksOf(data) {
  const context = new OfflineAudioContext(1, 1, 24000);
  const sound = await context.decodeAudioData(data);
  return sound.getChannelData(0);
}

function draw() {
  const { peaks, duration } = scene;
  const ratio = devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!peaks || !width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const [heard, ahead] = [style.getPropertyValue("color"), style.getPropertyValue("border-top-color")];
  const bars = Math.floor(width / (BAR + GAP));
  const done = duration ? audio.currentTime / duration : 0;
  for (let bar = 0; bar < bars; bar++) {
    const from = Math.floor((bar / bars) * peaks.length);
    const to = Math.floor(((bar + 1) / bars) * peaks.length);
    let most = 0;
    for (let at = from; at < to; at += 8) most = Math.max(most, Math.abs(peaks[at]));
    const high = Math.max(2, Math.min(1, most / LOUD) * (height - 4));
    pen.fillStyle = bar / bars < done ? heard : ahead;
    pen.beginPath();
    pen.roundRect(bar * (BAR + GAP), (height - high) / 2, BAR, high, BAR / 2);
    pen.fill();
  }
}

// Time

function toggle() {
  if (audio.paused) audio.play().catch(() => {});
  else audio.pause();
}

function go(seconds, andPlay = false) {
  audio.currentTime = seconds;
  if (andPlay && audio.paused) audio.play().catch(() => {});
  tick();
}

function follow() {
  cancelAnimationFrame(scene.frame);
  const playing = !audio.paused && !audio.ended;
  icon(playing ? "stop" : "play");
  button.ariaPressed = String(playing);
  face.classList.toggle("is-speaking", playing);
  tick();
}

function tick() {
  cancelAnimationFrame(scene.frame);
  const { currentTime: time } = audio;
  for (const { span, start_s, end_s } of scene.spans) {
    span.classList.toggle("now", time >= start_s && time < end_s && !audio.ended);
    span.classList.toggle("said", time >= end_s || audio.ended);
  }
  const total = scene.duration || 0;
  seek.value = total ? (1000 * time) / total : 0;
  seek.setAttribute("aria-valuetext", `${time.toFixed(1)} s`);
  $("[data-clock]").textContent = `${time.toFixed(1)} / ${total.toFixed(1)} s`;
  draw();
  if (!audio.paused && !audio.ended) scene.frame = requestAnimationFrame(tick);
}

function icon(name) {
  const label = name === "play" ? (button.dataset.play ||= button.ariaLabel) : button.dataset.stop;
  button.dataset.play ||= button.ariaLabel;
  button.ariaLabel = label;
  button.querySelector("path").setAttribute("d", ICONS[name]);
}
