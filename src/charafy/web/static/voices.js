// The page of voices: recording in the browser, checking before paying, and watching refinements.
// Without scripts the form works all the same: a file is chosen, checked and sent.

import { Recorder } from "./recorder.js";

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

new Recorder(form.querySelector(".recorder"), file, { longestS: LONGEST_S });

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
