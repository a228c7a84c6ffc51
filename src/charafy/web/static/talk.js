// The page on which somebody talks to a character.

import { AvatarPlayer } from "./avatar/avatar-player.js";
import { CharafyConversation, moveFace } from "./conversation/charafy-conversation.js";

const stage = document.querySelector(".talk");
const words = JSON.parse(stage.dataset.words);
const $ = (selector) => stage.querySelector(selector);
const bubble = $(".says");
const log = $(".said");
const hold = $('[data-do="hold"]');
const name = $(".portrait img").alt;

/** What goes on: the way in, the conversation, its face, and what is being said. */
const scene = { ticket: null, talk: null, player: null, leave: null, hearing: null, answering: null };

$(".start").addEventListener("submit", (event) => {
  event.preventDefault();
  start(event.submitter?.value !== "text");
});
// A click before this would be lost, or would send the form itself.
for (const button of $(".start").querySelectorAll("button")) button.disabled = false;
$(".type").addEventListener("submit", (event) => {
  event.preventDefault();
  const { line } = event.target.elements;
  if (!line.value.trim()) return;
  scene.talk?.sendText(line.value.trim());
  line.value = "";
});
stage.addEventListener("click", ({ target }) => act(target.closest("[data-do]")));
for (const [began, over] of [["pointerdown", "pointerup"], ["keydown", "keyup"]]) {
  hold.addEventListener(began, (event) => isHold(event) && press(true, event));
  hold.addEventListener(over, (event) => isHold(event) && press(false, event));
}
for (const lost of ["pointercancel", "blur"]) hold.addEventListener(lost, () => press(false));
addEventListener("pagehide", () => scene.talk?.close());
if (stage.dataset.rig) showFace();
if (!isSecureContext) complain("insecure_context");

async function showFace() {
  const still = $(".portrait img");
  const canvas = document.createElement("canvas");
  still.before(canvas);
  try {
    const { rig, label, language } = stage.dataset;
    scene.player = await AvatarPlayer.load(rig, { canvas, label, language });
    if (scene.talk) scene.leave = moveFace(scene.talk, scene.player);
  } catch {
    canvas.remove(); // the portrait stands there as before
  }
}

async function start(byVoice) {
  if (scene.talk || scene.starting) return;
  scene.starting = true;
  complain(null);
  show("connecting");
  try {
    // One that did not come to a conversation stays good: no second hold for a blocked microphone.
    scene.ticket ??= await ask();
    const talk = new CharafyConversation({ ...scene.ticket, microphone: byVoice });
    scene.talk = talk;
    listen(talk);
    if (scene.player) scene.leave = moveFace(talk, scene.player);
    for (const tool of ["mute", "push"]) $(`[data-do="${tool}"]`).disabled = !byVoice;
    await talk.connect();
    scene.ticket = null;
    // Whoever speaks needs no keyboard: on a phone it would cover the face.
    if (!byVoice) $("#line").focus({ preventScroll: true });
  } catch (error) {
    if (error.status) scene.ticket = null; // the server refused it
    complain(error.code, error.message);
    leave();
    show("idle");
  } finally {
    scene.starting = false;
  }
}

/** A token for this character, by the session of whoever is signed in. */
async function ask() {
  const form = new FormData($(".start"));
  const address = `/try/${stage.dataset.character}/token`;
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(form) });
  if (answer.redirected) location.reload(); // signed out meanwhile
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok || !said.token) throw Object.assign(new Error(said.error ?? ""), { code: said.code ?? "other" });
  return said;
}

function listen(talk) {
  const on = (event, act) => talk.addEventListener(event, ({ detail }) => act(detail));
  on("state", ({ state }) => show(state));
  on("user", ({ speaking }) => stage.toggleAttribute("data-hears", speaking));
  on("caption", write);
  on("character", ({ speaking }) => {
    if (!speaking) Object.assign(scene, { answering: null });
  });
  on("hush", () => (bubble.hidden = true));
  on("latency", time);
  on("error", ({ code, message }) => complain(code, message));
  on("ended", ({ reason }) => {
    leave();
    show("ended", words[`end_${reason}`] ?? words.end_failed);
  });
}

function leave() {
  scene.leave?.();
  Object.assign(scene, { talk: null, leave: null, hearing: null, answering: null });
  bubble.hidden = true;
  stage.removeAttribute("data-hears");
  $('[data-do="push"]').checked = false;
  pushToTalk(false);
  muted(false);
}

function show(state, said = words[`state_${state}`]) {
  stage.dataset.state = state;
  $(".state").textContent = said ?? "";
  const over = state === "idle" || state === "ended";
  for (const part of stage.querySelectorAll(".before")) part.hidden = !over;
  $(".during").hidden = over && !log.childElementCount;
  for (const tool of stage.querySelectorAll(".type, .controls")) tool.hidden = over;
}

function complain(code, message = "") {
  $(".trouble").hidden = !code;
  // The server's own words for its refusals are in the reader's language already.
  if (code) $(".trouble p").textContent = words[`trouble_${code}`] ?? (message || words.trouble_other);
}

/** A caption into the log, and the character's into its bubble. */
function write({ who, text, final, reply }) {
  const user = who === "user";
  const slot = user ? "hearing" : "answering";
  const known = scene[slot]?.reply === reply ? scene[slot] : null;
  const entry = known ?? Object.assign(line(user), { reply });
  const said = user || !known ? text : `${entry.text}${gap(entry.text)}${text}`;
  entry.text = said;
  entry.words.textContent = said;
  entry.item.classList.toggle("unsure", !final);
  scene[slot] = user && final ? null : entry;
  if (!user) {
    bubble.textContent = text;
    bubble.hidden = false;
  }
  log.scrollTop = log.scrollHeight;
}

/** Japanese sets no space between clauses. */
const gap = (before) => (/[\u3000-\u9fff\uff00-\uffef]$/.test(before) ? "" : " ");

function line(user) {
  const item = document.createElement("li");
  const who = Object.assign(document.createElement("span"), { className: "who" });
  who.textContent = user ? words.you : name;
  const said = document.createElement("span");
  said.lang = stage.dataset.language;
  item.className = user ? "user" : "character";
  item.append(who, said);
  log.append(item);
  return { item, words: said, text: "" };
}

/** How long the last answer took: when each stage was reached, and what the way here adds. */
function time({ stages, playout_s, round_trip_s }) {
  const seconds = (value) => words.seconds.replace("{n}", value.toFixed(2));
  const reached = Object.entries(stages).sort(([, a], [, b]) => a - b);
  const audible = stages.audible ?? reached.at(-1)?.[1] ?? 0;
  const way = playout_s + round_trip_s;
  const before = reached.filter(([stage]) => stage !== "audible");
  const list = before.map(([stage, at]) => `${words[`stage_${stage}`] ?? stage} ${seconds(at)}`);
  const line = [`${words.answered} ${seconds(audible)}`, ...list];
  if (way) line.push(`${words.round_trip} ${seconds(way)}`);
  $(".latency").textContent = line.join(" · ");
}

function act(button) {
  const { talk } = scene;
  if (!talk || !button) return;
  if (button.dataset.do === "mute") muted(button.ariaPressed !== "true");
  if (button.dataset.do === "interrupt") talk.interrupt();
  if (button.dataset.do === "end") talk.close();
  if (button.dataset.do === "push") pushToTalk(button.checked);
}

function muted(on) {
  scene.talk?.mute(on);
  const button = $('[data-do="mute"]');
  button.ariaPressed = String(on);
  button.title = button.ariaLabel = on ? words.unmute : words.mute;
}

function pushToTalk(on) {
  scene.talk?.pushToTalk(on);
  hold.hidden = !on;
  hold.ariaPressed = "false";
}

const isHold = (event) => !event.repeat && (event.key === undefined || event.key === " " || event.key === "Enter");

function press(on, event) {
  event?.preventDefault();
  if (String(on) === hold.ariaPressed || (!on && hold.ariaPressed !== "true")) return;
  if (on && event.pointerId !== undefined) hold.setPointerCapture(event.pointerId);
  hold.ariaPressed = String(on);
  hold.textContent = on ? words.held : words.hold;
  scene.talk?.hold(on);
}
