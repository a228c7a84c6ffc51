// The dashboard's pages: recordings behind one round button, and times in the reader's own zone.

const ICONS = { play: "M7 4.5v15l13-7.5z", stop: "M6 6h12v12H6z" };
let current;

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = svg.appendChild(document.createElementNS(svg.namespaceURI, "path"));
  path.setAttribute("d", ICONS[name]);
  return svg;
}

function stop(player) {
  player.audio.pause();
  player.audio.currentTime = 0;
}

function dress(box) {
  const audio = box.querySelector("audio");
  const button = document.createElement("button");
  const player = { audio };
  button.type = "button";
  button.className = "play";
  button.setAttribute("aria-label", box.dataset.label);
  button.append(icon("play"));
  const show = (state) => {
    button.dataset.state = state;
    button.replaceChildren(icon(state === "idle" ? "play" : "stop"));
    button.setAttribute("aria-pressed", String(state !== "idle"));
    box.closest(".person, .speaking, li")?.classList.toggle("is-speaking", state === "playing");
  };
  audio.addEventListener("playing", () => show("playing"));
  audio.addEventListener("ended", () => show("idle"));
  audio.addEventListener("pause", () => show("idle"));
  audio.addEventListener("error", () => { show("idle"); button.disabled = true; });
  button.addEventListener("click", () => {
    if (button.dataset.state !== "idle") { stop(player); show("idle"); return; }
    if (current && current !== player) stop(current);
    current = player;
    show("waiting");
    audio.play().catch(() => show("idle"));
  });
  audio.hidden = true;
  audio.controls = false;
  box.prepend(button);
  show("idle");
}

for (const box of document.querySelectorAll(".hear")) dress(box);

// A form is sent once: a second click on the way to the next page does nothing. Forms that a script sends look after
// their own buttons.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent !== undefined) { event.preventDefault(); return; }
  form.dataset.sent = "";
  const buttons = [...form.querySelectorAll("button:not([type=button])")];
  // Afterwards: a button that is disabled at once is not sent along.
  setTimeout(() => { for (const button of buttons) button.disabled = true; });
});

addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // back at a page as it was left: its forms can be sent again
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = false;
  }
});

const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

export function showTimes(root = document) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.textContent = format.format(new Date(time.dateTime));
  }
}
showTimes();
