// The forms with which things are made: a picture to drop and mark, voices to choose, and sending without losing what
// was typed. Without scripts the forms work all the same.

import { Picture } from "./picture.js";

for (const box of document.querySelectorAll("[data-picture]")) new Picture(box);
for (const form of document.querySelectorAll("form[data-make]")) dress(form);
for (const range of document.querySelectorAll("input[type=range][name=speed]")) showSpeed(range);
for (const box of document.querySelectorAll("[data-starts]")) showStarts(box);
for (const picker of document.querySelectorAll(".voice-picker")) follow(picker);

/** Send by script: what is refused is said beside the form, and files that were chosen stay chosen. */
function dress(form) {
  const send = form.querySelector("[data-send]");
  const note = form.querySelector("[data-note]");
  const before = note?.innerHTML;
  for (const check of form.querySelectorAll("[data-checks]")) check.hidden = true; // it is checked when it is chosen
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.disabled) return;
    send.disabled = true;
    if (note) note.textContent = form.dataset.waiting;
    complain(form, null);
    const refused = await sent(form);
    send.disabled = false;
    if (note) note.innerHTML = before;
    if (refused) complain(form, refused);
    else if (refused === "") note.textContent = form.dataset.stay;
  });
}

/** What was wrong; an empty string when all is well and the page stays; null when another page comes. */
async function sent(form) {
  try {
    const address = new URL(form.action);
    address.searchParams.set("part", "answer");
    const answer = await fetch(address, { method: "POST", body: new FormData(form) });
    if (answer.redirected) {
      location.reload(); // signed out meanwhile
      return null;
    }
    const said = await answer.json();
    if (!answer.ok) return said;
    if (form.dataset.stay) {
      form.dispatchEvent(new CustomEvent("saved", { bubbles: true }));
      return "";
    }
    location.assign(said.location);
    return await new Promise(() => {}); // until the page has gone
  } catch {
    return { error: form.dataset.broken };
  }
}

function complain(form, refused) {
  form.querySelector(".refused")?.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-errormessage");
  }
  if (!refused) return;
  const named = refused.param && form.elements.namedItem(refused.param);
  const field = named instanceof HTMLElement && named.type !== "hidden" ? named : null;
  const place = field?.closest(".field");
  const said = document.createElement(place ? "p" : "div");
  said.className = place ? "wrong refused" : "notice bad refused";
  said.id = `${form.id}-refused`;
  said.setAttribute("role", "alert");
  if (place) said.textContent = refused.error;
  else said.append(Object.assign(document.createElement("p"), { textContent: refused.error }));
  if (place) place.append(said);
  else form.querySelector("[data-send]").closest(".row").before(said);
  field?.setAttribute("aria-invalid", "true");
  field?.setAttribute("aria-errormessage", said.id);
  field?.focus();
  said.scrollIntoView({ block: "nearest" });
}

function showSpeed(range) {
  const output = range.form.querySelector(`output[for=${range.id}]`);
  const show = () => (output.textContent = `${Number(range.value).toFixed(2)}×`);
  range.addEventListener("input", show);
  show();
}

function showStarts(box) {
  const text = box.closest(".field").querySelector("textarea");
  box.hidden = false;
  box.addEventListener("click", ({ target }) => {
    const { start } = target.closest("[data-start]")?.dataset ?? {};
    if (!start) return;
    text.value = start;
    text.focus();
  });
}

/** Voices of the chosen language come first, and one of them is chosen. */
function follow(picker) {
  const { form } = picker;
  const shelf = picker.querySelector(".shelf");
  const show = () => {
    const chosen = picker.querySelector("input:checked")?.closest("li");
    if (!chosen) return;
    const box = shelf.getBoundingClientRect();
    const at = chosen.getBoundingClientRect();
    if (at.top < box.top || at.bottom > box.bottom) shelf.scrollTop += at.top - box.top - 48;
  };
  form.addEventListener("change", ({ target }) => {
    if (target.name !== "language") return;
    const group = picker.querySelector(`.voice-group[data-language=${target.value}]`);
    if (!picker.querySelector(`.voice-group[data-language=${target.value}] input:checked`)) {
      group?.querySelector("input")?.click();
    }
    show();
  });
  show();
}
