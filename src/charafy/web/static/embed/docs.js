// The configurator: what is chosen becomes a line of HTML and a page to try it on.

const bench = document.querySelector(".workbench");
const form = bench.querySelector("form");
const code = bench.querySelector(".snippet code");
const frame = bench.querySelector(".preview iframe");
const nobody = bench.querySelector(".nobody");
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DEMO = new Set([...form.querySelectorAll("[data-take]")].map(({ dataset }) => dataset.take));
const USUAL = { accent: "#cb3d26" };
/** After a change, before the preview is loaded anew. */
const PAUSE_MS = 400;

form.addEventListener("input", change);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("click", ({ target }) => {
  const { take } = target.dataset;
  if (!take) return;
  form.elements.character.value = take;
  change();
});
change();

function change() {
  const wish = chosen();
  form.elements.position.closest(".field").hidden = !["floating", "overlay"].includes(wish.mode);
  code.textContent = snippet(wish);
  // One that no page may show yet would be an empty frame.
  const there = ID.test(wish.character) && !("off" in bench.dataset);
  frame.hidden = !there;
  nobody.hidden = there;
  clearTimeout(change.timer);
  if (there) change.timer = setTimeout(() => show(wish), PAUSE_MS);
}

function chosen() {
  const fields = Object.fromEntries(new FormData(form));
  const { character, mode, theme, lang, accent, position } = fields;
  const wish = { character: character.trim(), mode, theme, lang, accent: accent === USUAL.accent ? "" : accent };
  if (mode === "floating" || mode === "overlay") wish.position = position;
  if (!fields.captions) wish.captions = "off";
  if (fields.push) wish["push-to-talk"] = "on";
  return wish;
}

function snippet({ character, mode, ...look }) {
  const server = bench.dataset.server;
  // Demo characters stay on this site, and nothing else of what is typed becomes code.
  const who = ID.test(character) && !DEMO.has(character) ? character : "YOUR_CHARACTER_ID";
  const given = Object.entries(look).filter(([, value]) => value);
  if (mode === "iframe") {
    const query = new URLSearchParams(given.filter(([name]) => name !== "position")).toString();
    const src = `${server}/embed/${who}${query && "?"}${query.replaceAll("&", "&amp;")}`;
    return `<iframe\n  src="${src}"\n  width="400"\n  height="600"\n  frameborder="0"\n  allow="microphone"\n></iframe>`;
  }
  const attributes = (prefix) => given.map(([name, value]) => `\n  ${prefix}${name}="${value}"`).join("");
  if (mode === "inline") {
    return `<script async src="${server}/widget.js"></script>\n<charafy-widget\n  character="${who}"\n  mode="inline"${attributes("")}\n></charafy-widget>`;
  }
  return `<script\n  async\n  src="${server}/widget.js"\n  data-character="${who}"\n  data-mode="${mode}"${attributes("data-")}\n></script>`;
}

function show(wish) {
  const query = new URLSearchParams(Object.entries(wish).filter(([, value]) => value));
  const url = `/docs/embed/preview?${query}`;
  if (frame.dataset.url === url) return;
  frame.dataset.url = url;
  frame.src = url;
}
