// The widget as the address says: names and values become attributes, nothing else.

const asked = new URLSearchParams(location.search);
const names = ["character", "mode", "theme", "accent", "lang", "position", "captions", "launcher", "push-to-talk"];

customElements.whenDefined("charafy-widget").then(() => {
  if (asked.get("mode") === "iframe") return place(frame());
  const widget = document.createElement("charafy-widget");
  for (const name of names) if (asked.get(name)) widget.setAttribute(name, asked.get(name));
  document.querySelector("[data-charafy-open]").hidden = asked.get("mode") !== "overlay";
  place(widget);
});

function place(what) {
  document.querySelector(".place").replaceChildren(what);
}

function frame() {
  const plain = document.createElement("iframe");
  Object.assign(plain, { width: 400, height: 600, allow: "microphone", title: "Charafy" });
  plain.style.border = "0";
  plain.src = `/embed/${encodeURIComponent(asked.get("character"))}`;
  return plain;
}
