// One character, alive: it answers in conversation, or says exactly what is written. Needs making.js beside it.

import { AvatarPlayer } from "./avatar/avatar-player.js";
import { CharafyConversation, moveFace } from "./conversation/charafy-conversation.js";

const stage = document.querySelector(".person-stage");
const { person, language, rig, label, name } = stage.dataset;
const words = JSON.parse(stage.dataset.words);
const $ = (selector) => stage.querySelector(selector);
const form = $("[data-ask]");
const log = $("[data-log]");
const bubble = $(".says");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
/** The face, the conversation that is open, and what is being said. */
const scene = { player: null, talk: null, leave: null, entry: null, ticket: null };

$("[data-try]").hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = form.elements.text.value.trim();
  if (!text) return;
  (event.submitter?.value === "say" ? say : ask)(text);
});
form.elements.text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[value=ask]"));
});
$("[data-end]").addEventListener("click", () => scene.talk?.close());
addEventListener("pagehide", () => scene.talk?.close());
// What they are now decides the next answer: it needs a conversation of its own.
addEventListener("saved", () => scene.talk?.close());
if (rig) showFace();

async function showFace() {
  const still = $(".portrait img");
  const canvas = document.createElement("canvas");
  still.before(canvas);
  try {
    scene.player = await AvatarPlayer.load(rig, { canvas, label, language });
  } catch {
    canvas.remove(); // the portrait stands there as before
  }
}

// Exactly this

async function say(text) {
  busy(true);
  scene.talk?.close();
  try {
    const address = `${form.getAttribute("action")}?part=answer`;
    const answer = await fetch(address, { method: "POST", body: new FormData(form) });
    if (answer.redirected) return location.reload(); // signed out meanwhile
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    const bytes = Uint8Array.from(atob(said.audio), (char) => char.charCodeAt(0));
    const audio = new Audio(URL.createObjectURL(new Blob([bytes], { type: "audio/mpeg" })));
    show(text);
    audio.addEventListener("ended", () => {
      URL.revokeObjectURL(audio.src);
      show("");
      speaking(false);
    });
    speaking(true);
    if (scene.player) await scene.player.play({ audio, cues: said.visemes, language });
    else await audio.play();
  } catch (error) {
    show("");
    speaking(false);
    state(error.message || words.trouble_other);
  } finally {
    busy(false);
  }
}

// In conversation

async function ask(text) {
  busy(true);
  try {
    const talk = scene.talk ?? (await open());
    talk.sendText(text);
    line("user", text);
    form.elements.text.value = "";
  } catch (error) {
    scene.ticket = error.status ? null : scene.ticket;
    end();
    state(words[`trouble_${error.code}`] ?? (error.message || words.trouble_other));
  } finally {
    busy(false);
  }
}

async function open() {
  state(words.state_connecting);
  scene.ticket ??= await token();
  const talk = new CharafyConversation({ ...scene.ticket, microphone: false });
  scene.talk = talk;
  const on = (event, act) => talk.addEventListener(event, ({ detail }) => act(detail));
  on("state", ({ state: now }) => {
    state(words[`state_${now}`] ?? "");
    speaking(now === "speaking");
  });
  on("caption", caption);
  on("hush", () => show(""));
  on("error", ({ code, message }) => state(words[`trouble_${code}`] ?? message));
  on("ended", ({ reason }) => {
    end();
    state(words[`end_${reason}`] ?? words.end_failed);
  });
  if (scene.player) scene.leave = moveFace(talk, scene.player);
  await talk.connect();
  scene.ticket = null;
  $("[data-end]").hidden = false;
  return talk;
}

async function token() {
  const sent = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  const answer = await fetch(`/try/${person}/token`, { method: "POST", body: sent });
  if (answer.redirected) location.reload(); // signed out meanwhile
  const said = await answer.json().catch(() => ({}));
  if (!said.token) throw Object.assign(new Error(said.error ?? ""), { code: said.code, status: answer.status });
  return said;
}

function end() {
  scene.leave?.();
  Object.assign(scene, { talk: null, leave: null, entry: null });
  $("[data-end]").hidden = true;
  show("");
  speaking(false);
}

/** What the character says, as it says it; what was written stands there already. */
function caption({ who, text, reply }) {
  if (who === "user") return;
  if (scene.entry?.reply !== reply) scene.entry = { reply, item: line("character", "") };
  const box = scene.entry.item.lastChild;
  const gap = !box.textContent || /[\u3000-\u9fff\uff00-\uffef]$/.test(box.textContent) ? "" : " ";
  box.textContent += gap + text;
  show(text);
  log.scrollTop = log.scrollHeight;
}

function line(who, text) {
  const item = document.createElement("li");
  item.className = who;
  item.append(
    Object.assign(document.createElement("span"), { className: "who", textContent: who === "user" ? words.you : name }),
    Object.assign(document.createElement("span"), { textContent: text, lang: language }),
  );
  log.append(item);
  log.scrollTop = log.scrollHeight;
  return item;
}

function show(text) {
  bubble.textContent = text;
  bubble.hidden = !text;
}

function state(text) {
  $("[data-state]").textContent = text;
}

function speaking(on) {
  const portrait = $(".portrait");
  portrait.classList.toggle("is-speaking", on);
  if (on) portrait.scrollIntoView({ block: "nearest", behavior: calm.matches ? "instant" : "smooth" });
}

function busy(on) {
  for (const button of form.querySelectorAll("button[name=do]")) button.disabled = on;
}
