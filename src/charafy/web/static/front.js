// The front page: a demo character says what a visitor types, with its face. The face is fetched once
// the page stands; without it the voice plays all the same.

import { rigOf } from "./rigs.js";

const ICONS = { idle: "M7 4.5v15l13-7.5z", busy: "M6 6h12v12H6z" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const form = document.querySelector("form.say");
const words = JSON.parse(form.dataset.words);
const line = form.elements.text;
const button = form.querySelector(".saying .button");
const trouble = form.querySelector(".trouble");
const status = form.querySelector("[role=status]");
const hero = document.querySelector(".stage .portrait");
const bubble = hero.querySelector(".says");
const talk = document.querySelector("[data-charafy-open]");
const picks = document.querySelector(".picks");
const members = [...picks.querySelectorAll(".pick")];
const scene = { person: null, player: null, turn: 0, said: 0, sound: null, heard: new Map() };

form.hidden = false;
picks.hidden = members.length < 2;
scene.person = members.find((member) => member.ariaPressed === "true");
offerTalk();
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (scene.sound) stop();
  else say();
});
form.addEventListener("click", ({ target }) => {
  const idea = target.closest(".idea");
  if (idea) {
    line.value = idea.textContent;
    say();
  }
});
picks.addEventListener("click", ({ target }) => {
  const pick = target.closest(".pick");
  if (pick && pick !== scene.person) choose(pick);
});
line.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  say();
});
line.addEventListener("input", () => complain(null));
// What is to be seen comes first; the face afterwards.
if (document.readyState === "complete") enter();
else addEventListener("load", enter, { once: true });

/** Somebody else stands on the stage. */
function choose(member) {
  const before = scene.person;
  scene.person = member;
  for (const other of members) other.ariaPressed = String(other === member);
  const { name, language, portrait } = member.dataset;
  form.querySelector("label").textContent = words.line.replace("{name}", name);
  for (const list of form.querySelectorAll(".ideas")) list.hidden = list.dataset.language !== language;
  if (before.dataset.language !== language) {
    line.lang = language;
    line.value = form.querySelector(`.ideas[data-language="${language}"]`)?.dataset.first ?? "";
  }
  const still = hero.querySelector("img");
  Object.assign(still, { src: portrait, alt: name });
  stop();
  offerTalk();
  enter();
}

function offerTalk() {
  if (!talk) return;
  const { id, name, talks } = scene.person.dataset;
  talk.hidden = talks === undefined;
  talk.querySelector("span").textContent = words.talk.replace("{name}", name);
  const widget = document.querySelector("charafy-widget");
  if (widget) widget.setAttribute("character", id);
  else talk.addEventListener("click", () => document.querySelector("charafy-widget")?.setAttribute("character", scene.person.dataset.id), { capture: true });
}

/** The face of who was chosen, in place of the picture. */
async function enter() {
  const turn = ++scene.turn;
  scene.player?.destroy();
  scene.player = null;
  hero.querySelector("canvas")?.remove();
  const { person, name } = scene.person.dataset;
  const canvas = document.createElement("canvas");
  try {
    const [rig, { AvatarPlayer }] = await Promise.all([rigOf(person), import("./avatar/avatar-player.js")]);
    if (turn !== scene.turn) return;
    hero.querySelector("img").before(canvas);
    const player = await AvatarPlayer.load(rig, { canvas, label: hero.dataset.label.replace("{name}", name) });
    if (turn !== scene.turn) return player.destroy();
    scene.player = player;
    canvas.dataset.ready = "";
  } catch {
    canvas.remove(); // the picture stands there as before
  }
}

async function say() {
  stop();
  const text = line.value.replace(/\s+/g, " ").trim();
  if (!text) {
    complain("nothing_to_say");
    return line.focus();
  }
  complain(null);
  const turn = ++scene.said;
  const { id, name, language } = scene.person.dataset;
  mark("waiting", words.waiting.replace("{name}", name));
  try {
    const speech = await speechOf(id, text);
    if (turn !== scene.said) return;
    const sound = new Audio(speech.url);
    scene.sound = sound;
    sound.addEventListener("ended", () => scene.sound === sound && stop());
    sound.addEventListener("error", () => scene.sound === sound && fail());
    const { player } = scene;
    if (player) await player.play({ audio: sound, cues: speech.visemes, language });
    else await sound.play();
    if (scene.sound !== sound) return sound.pause();
    mark("speaking", words.speaks.replace("{name}", name));
    follow(sound, text, speech.words, language);
    if (hero.getBoundingClientRect().top < 0) hero.scrollIntoView({ block: "start", behavior: calm.matches ? "instant" : "smooth" });
  } catch (error) {
    if (turn === scene.said) fail(error.code);
  }
}

function fail(code = "other") {
  stop();
  complain(code);
}

function stop() {
  scene.said++;
  const { sound } = scene;
  scene.sound = null;
  sound?.pause();
  if (sound) scene.player?.interrupt();
  bubble.hidden = true;
  mark("idle", "");
}

/** Once for each text: asking again is a request less. */
async function speechOf(id, text) {
  const key = `${id} ${text}`;
  if (scene.heard.has(key)) return scene.heard.get(key);
  const answer = await fetch("/demo/say", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ character_id: id, text }),
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.error), { code: said.code ?? "other" });
  const bytes = Uint8Array.from(atob(said.audio), (letter) => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: "audio/mpeg" }));
  const speech = { url, words: said.words, visemes: said.visemes };
  scene.heard.set(key, speech);
  return speech;
}

/** The words, lighting up as they are heard. */
function follow(sound, text, timed, language) {
  const spans = [];
  let from = 0;
  for (const [word, start] of timed) {
    const at = text.indexOf(word, from);
    if (at < 0) continue;
    spans.push({ start, at });
    from = at + word.length;
  }
  bubble.lang = language;
  bubble.replaceChildren(
    ...spans.map(({ at }, index) => {
      const span = document.createElement("span");
      span.textContent = text.slice(index ? at : 0, spans[index + 1]?.at ?? text.length);
      return span;
    }),
  );
  if (!spans.length) bubble.textContent = text;
  bubble.hidden = false;
  const step = () => {
    if (scene.sound !== sound) return;
    spans.forEach(({ start }, index) => bubble.children[index].toggleAttribute("data-heard", sound.currentTime >= start - 0.04));
    requestAnimationFrame(step);
  };
  step();
}

function mark(state, said) {
  const busy = state !== "idle";
  form.dataset.state = state;
  hero.classList.toggle("is-speaking", state === "speaking");
  button.querySelector("path").setAttribute("d", ICONS[busy ? "busy" : "idle"]);
  button.querySelector("span").textContent = state === "speaking" ? words.stop : words.hear;
  button.toggleAttribute("aria-busy", state === "waiting");
  status.textContent = said;
}

function complain(code) {
  trouble.hidden = !code;
  trouble.textContent = code ? (words[`trouble_${code}`] ?? words.trouble_other) : "";
}
