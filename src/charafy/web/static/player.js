// The player's page: choose who speaks and what, and see how it is drawn.

import { AvatarPlayer } from "./avatar/avatar-player.js";
import { json, rigOf } from "./rigs.js";

const ICONS = { play: "M7 4.5v15l13-7.5z", stop: "M6 6h12v12H6z" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const hero = document.querySelector(".hero .portrait");
if (hero) start();

function start() {
  const bubble = hero.querySelector(".says");
  const drawn = document.querySelector(".drawn");
  const members = [...document.querySelectorAll(".member")];
  const scene = { person: members.find((member) => member.ariaPressed === "true"), turn: 0 };

  function remark(text) {
    bubble.hidden = !text;
    bubble.textContent = text;
  }

  /** Show the chosen person, drawn in the chosen way. */
  async function enter() {
    const turn = ++scene.turn;
    stop();
    scene.player?.destroy();
    scene.player = null;
    hero.querySelector("canvas")?.remove();
    const { dataset } = scene.person;
    const still = hero.querySelector("img");
    still.src = dataset.portrait;
    still.alt = dataset.name;
    remark(hero.dataset.waiting);
    try {
      const rig = await rigOf(dataset.person);
      if (turn !== scene.turn) return;
      const canvas = document.createElement("canvas");
      const renderer = drawn.querySelector("input:checked").value;
      still.before(canvas);
      const label = hero.dataset.label.replace("{name}", dataset.name);
      const player = await AvatarPlayer.load(rig, { canvas, renderer, label });
      if (turn !== scene.turn) return player.destroy();
      scene.player = player;
      player.addEventListener("ended", stop);
      remark("");
      drawn.hidden = false;
    } catch {
      if (turn !== scene.turn) return;
      hero.querySelector("canvas")?.remove();
      remark(hero.dataset.failed);
    }
  }

  function stop() {
    if (!scene.line) return;
    scene.audio.pause();
    show(scene.line, "idle");
    hero.classList.remove("is-speaking");
    scene.line = null;
  }

  async function say(line) {
    const { player } = scene;
    const same = scene.line === line;
    stop();
    if (same) return player?.interrupt();
    const audio = line.querySelector("audio");
    Object.assign(scene, { line, audio });
    show(line, "waiting");
    hero.scrollIntoView({ block: "nearest", behavior: calm.matches ? "instant" : "smooth" });
    try {
      const { visemes: cues } = await json(`/player/lines/${line.dataset.line}`);
      if (scene.line !== line) return;
      audio.currentTime = 0;
      if (player && scene.player === player) await player.play({ audio, cues, language: line.dataset.language });
      else await audio.play();
      if (scene.line !== line) return;
      show(line, "playing");
      hero.classList.add("is-speaking");
    } catch {
      if (scene.line === line) stop();
    }
  }

  for (const line of document.querySelectorAll(".line")) dress(line, say, stop);
  for (const member of members) {
    member.addEventListener("click", () => {
      if (member === scene.person) return;
      scene.person = member;
      for (const other of members) other.ariaPressed = String(other === member);
      for (const list of document.querySelectorAll(".lines-to-say")) {
        list.hidden = list.dataset.of !== member.dataset.person;
      }
      enter();
    });
  }
  drawn.addEventListener("change", enter);
  enter();
}

/** One round button instead of the browser's own player. */
function dress(line, say, stop) {
  const audio = line.querySelector("audio");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "play";
  button.setAttribute("aria-label", document.querySelector(".hero .portrait").dataset.say);
  button.addEventListener("click", () => say(line));
  audio.addEventListener("ended", stop);
  audio.hidden = true;
  audio.controls = false;
  line.prepend(button);
  show(line, "idle");
}

function show(line, state) {
  const button = line.querySelector(".play");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS(svg.namespaceURI, "path")).setAttribute("d", ICONS[state === "idle" ? "play" : "stop"]);
  button.dataset.state = state;
  button.ariaPressed = String(state !== "idle");
  button.replaceChildren(svg);
}
