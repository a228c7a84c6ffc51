// The page of a video: how far it is, until it can be watched.

import { showTimes } from "./dashboard.js";

const LOOK_MS = 1000;
const box = document.querySelector("[data-film]");

/** The film's own shape from the start: until it plays, a browser takes that of the portrait. */
function shape() {
  const video = box.querySelector("video.screen");
  if (video) video.style.aspectRatio = `${video.getAttribute("width")} / ${video.getAttribute("height")}`;
}

async function look() {
  try {
    const answer = await fetch(box.dataset.address);
    if (answer.redirected) return location.reload(); // signed out meanwhile
    if (answer.status === 404) return location.assign("/dashboard/videos"); // deleted in another window
    if (answer.ok) update(await answer.text());
  } catch {
    // Offline for a moment: the next look tells.
  }
  wait();
}

function update(html) {
  const now = new DOMParser().parseFromString(html, "text/html").querySelector(".film");
  const film = box.querySelector(".film");
  if (now.dataset.status !== "processing") {
    film.replaceWith(now);
    shape();
    showTimes(box);
    box.querySelector("video")?.focus();
    return;
  }
  // Only what moves: a button that has the focus keeps it.
  for (const part of ["[data-step]", ".num"]) {
    const words = now.querySelector(`.about > ${part}`).textContent;
    const shown = film.querySelector(`.about > ${part}`);
    if (shown.textContent !== words) shown.textContent = words;
  }
  film.querySelector("progress").value = now.dataset.progress;
}

function wait() {
  if (box.querySelector(".film").dataset.status === "processing") setTimeout(look, LOOK_MS);
}

shape();
wait();
