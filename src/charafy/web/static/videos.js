// The order of a video: who speaks, in the shape and before the background that are chosen.

import "./making.js";

const CAPTION_CHARS = 60;
const form = document.querySelector("#film");

function show() {
  const actor = form.querySelector("[name=character_id]:checked");
  const caption = form.querySelector("[data-caption]");
  const set = form.querySelector(".set");
  if (!actor) return;
  form.querySelector("[data-actor]").src = actor.dataset.portrait;
  form.elements.text.lang = caption.lang = actor.dataset.language;
  const [first = ""] = form.elements.text.value.trim().match(/^[^.!?。！？\n]*[.!?。！？]?/) ?? [];
  caption.textContent = first.slice(0, CAPTION_CHARS);
  set.style.backgroundColor = form.elements.background.value === "colour" ? form.elements.colour.value : "";
}

if (form) {
  form.addEventListener("input", show);
  show();
}
