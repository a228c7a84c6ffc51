// The order of a video: who speaks, in the shape and before the background that are chosen.

import "./making.js";
import { Recorder } from "./recorder.js";

const CAPTION_CHARS = 60;
const LONGEST_S = 600;
const form = document.querySelector("#film");

function show() {
  const { source, text, recording, background, format, colour } = form.elements;
  // Only what is to be seen must be filled in.
  text.required = source.value === "text";
  recording.required = source.value === "recording";
  const transparent = background.value === "transparent";
  form.querySelector("[name=format][value=mp4]").disabled = transparent;
  if (transparent) format.value = "webm";
  const actor = form.querySelector("[name=character_id]:checked");
  const caption = form.querySelector("[data-caption]");
  if (!actor) return;
  form.querySelector("[data-actor]").src = actor.dataset.portrait;
  text.lang = caption.lang = actor.dataset.language;
  const [first = ""] = text.value.trim().match(/^[^.!?。！？\n]*[.!?。！？]?/) ?? [];
  caption.textContent = text.required ? first.slice(0, CAPTION_CHARS) : "";
  form.querySelector(".set").style.backgroundColor = background.value === "colour" ? colour.value : "";
}

if (form) {
  form.addEventListener("input", show);
  new Recorder(form.querySelector(".recorder"), form.elements.recording, { longestS: LONGEST_S });
  show();
}
