// A character in a frame of somebody else's page. What moves and speaks is fetched with the first click.

import { holding } from "./hold.js";
import { closable, hear, look, origin, tell, wished } from "./host.js";
import { Transcript } from "./transcript.js";

const stage = document.querySelector(".embed");
const $ = (selector) => stage.querySelector(selector);
const words = JSON.parse(stage.dataset.words);
const { character, language, name, rig } = stage.dataset;
const line = $(".type");
const scene = { ticket: null, talk: null, player: null, leave: null, starting: false, toSay: null, visitor: "", push: false, voice: false };
const transcript = new Transcript($(".said"), $(".says"), { language, user: words.you, character: name }, (said) => tell("transcript", said));
const MOST_NAME = 100;
const isOn = (asked) => asked !== undefined && asked !== "off";
let pageToken = stage.dataset.pageToken;

const hold = holding($('[data-do="hold"]'), words, (on) => scene.talk?.hold(on));
look(wished);
pushToTalk(isOn(wished["push-to-talk"]));
closable(close);
hear(act);
show("idle");
captions(wished.captions !== "off");
if (!isSecureContext) complain("insecure_context");
tell("ready", { character: { id: character, name, language } });

$(".start").addEventListener("submit", (event) => {
  event.preventDefault();
  start(event.submitter?.value !== "text");
});
for (const button of $(".start").querySelectorAll("button")) button.disabled = false;
line.addEventListener("submit", (event) => {
  event.preventDefault();
  const said = line.elements.line.value.trim();
  if (said) scene.talk?.sendText(said);
  line.elements.line.value = "";
});
stage.addEventListener("click", ({ target }) => use(target.closest("[data-do]")));
addEventListener("pagehide", () => {
  scene.talk?.close();
  // Whoever never came to a conversation keeps nobody else from one.
  if (scene.ticket) post("leave", { token: scene.ticket.token }, true).catch(() => {});
});

/** What the page around asks for. */
function act(wish) {
  if (wish.do === "speak" && typeof wish.text === "string") speak(wish.text.slice(0, 2000));
  if (wish.do === "interrupt") scene.talk?.interrupt();
  if (wish.do === "end") scene.talk?.close();
  if (wish.do === "look") look(wish);
  if (wish.do === "name" && typeof wish.name === "string") call(wish.name);
  if (wish.do === "push-to-talk") pushToTalk(wish.on === true);
  if (wish.do === "hold") hold.press(wish.on === true);
}

/** Now, or when the visitor has begun: nobody is made to talk. */
function speak(text) {
  if (scene.talk?.about) scene.talk.say(text);
  else scene.toSay = text;
}

/** What the character calls the visitor; the page around knows, we don't ask. */
function call(name) {
  scene.visitor = name.slice(0, MOST_NAME);
  if (scene.talk?.about && scene.visitor) scene.talk.setName(scene.visitor);
}

function pushToTalk(on) {
  const before = scene.push;
  scene.push = on;
  if (scene.talk && scene.voice && before !== on) scene.talk.pushToTalk(on);
  showHold();
}

function showHold() {
  hold.show(scene.push && scene.voice && Boolean(scene.talk?.about));
}

function close() {
  scene.talk?.close();
  tell("close");
}

async function start(byVoice) {
  if (scene.talk || scene.starting) return;
  scene.starting = true;
  complain(null);
  show("connecting");
  try {
    const [{ CharafyConversation, moveFace }] = await Promise.all([
      import("../conversation/charafy-conversation.js"),
      // One that did not come to a conversation stays good: no second place for a blocked microphone.
      (scene.ticket = isGood(scene.ticket) ? scene.ticket : await ask()),
    ]);
    const { token, connect_url: connectUrl, ice_servers: iceServers, livekit_url: livekitUrl } = scene.ticket;
    const talk = new CharafyConversation({ token, connectUrl, iceServers, livekitUrl, microphone: byVoice });
    scene.talk = talk;
    scene.voice = byVoice;
    if (byVoice && scene.push) talk.pushToTalk(true);
    listen(talk);
    showFace(talk, moveFace);
    $('[data-do="mute"]').disabled = !byVoice;
    await talk.connect();
    if (scene.visitor && scene.visitor !== scene.ticket.visitor) talk.setName(scene.visitor);
    scene.ticket = null;
    showHold();
    if (scene.toSay) talk.say(scene.toSay);
    scene.toSay = null;
    // Whoever speaks needs no keyboard: on a phone it would cover the face.
    if (!byVoice) line.elements.line.focus({ preventScroll: true });
  } catch (error) {
    if (error.status) scene.ticket = null; // the server refused it
    leave();
    show("idle");
    complain(error.code ?? "unreachable", error.message, true);
  } finally {
    scene.starting = false;
  }
}

const isGood = (ticket) => ticket !== null && performance.now() < ticket.until;

/** A token for this character, by the page that we are. */
async function ask(again = true) {
  const since = performance.now();
  const { visitor } = scene;
  try {
    const said = await post("session", { page_token: pageToken, parent: origin ?? "", visitor_name: visitor || null });
    return { ...said, visitor, until: since + (said.expires_in - 10) * 1000 };
  } catch (error) {
    if (error.code !== "page_expired" || !again) throw error;
    ({ page_token: pageToken } = await post("renew", { page_token: pageToken }));
    return ask(false);
  }
}

async function post(what, body, keepalive = false) {
  const answer = await fetch(`/embed/${character}/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    keepalive,
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw Object.assign(new Error(said.error ?? ""), { code: said.code ?? "other", status: answer.status });
}

async function showFace(talk, moveFace) {
  if (!rig) return;
  if (!scene.player) {
    const canvas = document.createElement("canvas");
    $(".face").append(canvas);
    try {
      const { AvatarPlayer } = await import("../avatar/avatar-player.js");
      scene.player = await AvatarPlayer.load(rig, { canvas, label: words.face, language, fit: "cover" });
      canvas.dataset.ready = "";
    } catch {
      canvas.remove(); // the portrait stands there as before
      return;
    }
  }
  if (scene.talk === talk) scene.leave = moveFace(talk, scene.player);
}

function listen(talk) {
  const on = (event, then) => talk.addEventListener(event, ({ detail }) => then(detail));
  on("state", ({ state }) => show(state));
  on("user", ({ speaking }) => stage.toggleAttribute("data-hears", speaking));
  on("caption", (said) => transcript.add(said));
  on("character", ({ speaking }) => speaking || transcript.pause());
  on("hush", () => transcript.hush());
  on("error", ({ code, message, fatal }) => complain(code, message, fatal));
  on("ended", ({ reason }) => {
    leave();
    show("ended", words[`end_${reason}`] ?? words.end_failed, reason);
  });
}

function leave() {
  scene.leave?.();
  Object.assign(scene, { talk: null, leave: null });
  showHold();
  transcript.end();
  stage.removeAttribute("data-hears");
  muted(false);
}

function show(state, said = words[`state_${state}`], reason) {
  const over = state === "idle" || state === "ended";
  stage.dataset.state = state;
  $(".state").textContent = said ?? "";
  $(".start").hidden = !over;
  line.hidden = $(".tools").hidden = over;
  if (state === "ended") $(".primary span").textContent = words.again;
  tell("state", reason ? { state, reason } : { state });
}

function complain(code, message = "", fatal = false) {
  $(".trouble").hidden = !code;
  if (!code) return;
  const said = words[`trouble_${code}`] ?? words.trouble_other;
  $(".trouble").textContent = said;
  tell("error", { code, message: message || said, fatal });
}

function use(button) {
  if (button?.dataset.do === "captions") captions(button.ariaPressed !== "true");
  if (!scene.talk || !button) return;
  if (button.dataset.do === "mute") muted(button.ariaPressed !== "true");
  if (button.dataset.do === "interrupt") scene.talk.interrupt();
  if (button.dataset.do === "end") scene.talk.close();
}

function captions(on) {
  $('[data-do="captions"]').ariaPressed = String(on);
  transcript.shown = on;
}

function muted(on) {
  scene.talk?.mute(on);
  const button = $('[data-do="mute"]');
  button.ariaPressed = String(on);
  button.title = button.ariaLabel = on ? words.unmute : words.mute;
}
