// A character on any page, by one script or by an element:
//
//   <script async src="https://charafy.example/widget.js" data-character="ID" data-mode="floating"></script>
//   <charafy-widget character="ID" mode="inline"></charafy-widget>
//
// Modes: floating (a button in the corner), overlay (a dialogue over the page), fullpage, inline (in the
// element's own box). What talks lives in a frame of the server's; the two tell each other things by
// messages to exact origins. See widget.d.ts and /docs/embed.
(() => {
  "use strict";
  const script = document.currentScript;
  const HOME = new URL(script?.src || location.href).origin;
  const MODES = ["floating", "overlay", "fullpage", "inline"];
  const SPOKEN = { en: ["Talk with a character", "Character"], ja: ["キャラクターと話す", "キャラクター"] };
  /** Wishes that are kept until the frame is there. */
  const MOST_WAITING = 10;
  const ICON = "M4 5h16v11H9l-5 4zM8 9h8M8 12h5";
  const LOOKS = `
:host { --w: var(--charafy-width, 400px); --h: var(--charafy-height, 620px); --gap: var(--charafy-gap, 20px); --size: var(--charafy-launcher, 64px); --round: var(--charafy-radius, 18px); --tone: var(--charafy-accent, #cb3d26); display: contents; color-scheme: light dark; }
:host([hidden]) { display: none; }
:host([mode="inline"]) { display: block; width: var(--w); height: var(--h); max-width: 100%; }
*, ::before, ::after { box-sizing: border-box; }
iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: normal; background: light-dark(#faf4e9, #17161c); }
button { position: fixed; z-index: var(--charafy-z, 2147483000); bottom: calc(var(--gap) + env(safe-area-inset-bottom)); right: var(--gap); width: var(--size); height: var(--size); padding: 0; border: 3px solid var(--tone); border-radius: 50%; overflow: hidden; background: light-dark(#fffcf6, #201e26); color: var(--tone); box-shadow: 0 8px 28px -8px rgb(0 0 0 / .45); cursor: pointer; }
button img { display: block; width: 100%; height: 100%; object-fit: cover; object-position: 50% 20%; }
button svg { display: block; width: 55%; height: 55%; margin: auto; fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
button:focus-visible { outline: 3px solid var(--tone); outline-offset: 3px; }
:host([position="left"]) button { right: auto; left: var(--gap); }
:host(:not([mode="floating"], [mode="overlay"])) button, :host([launcher="none"]) button { display: none; }
dialog { margin: 0; padding: 0; border: 0; overflow: hidden; max-width: none; max-height: none; background: transparent; }
:host([mode="inline"]) dialog { position: static; width: 100%; height: 100%; border-radius: var(--round); }
:host([mode="fullpage"]) dialog { position: fixed; inset: 0; z-index: var(--charafy-z, 2147483000); width: 100%; height: 100%; }
:host([mode="floating"]) dialog { position: fixed; z-index: var(--charafy-z, 2147483000); inset: auto var(--gap) calc(var(--gap) + var(--size) + 12px + env(safe-area-inset-bottom)) auto; width: min(var(--w), 100vw - 2 * var(--gap)); height: min(var(--h), 100dvh - 2 * var(--gap) - var(--size) - 12px); border-radius: var(--round); box-shadow: 0 18px 60px -12px rgb(0 0 0 / .45); }
:host([mode="floating"][position="left"]) dialog { left: var(--gap); right: auto; }
:host([mode="overlay"]) dialog { position: fixed; inset: 0; margin: auto; width: min(var(--charafy-width, 880px), 100vw - 2rem); height: min(var(--h), 100dvh - 2rem); border-radius: var(--round); box-shadow: 0 18px 60px -12px rgb(0 0 0 / .45); }
dialog::backdrop { background: rgb(20 16 12 / .55); }
@media (max-width: 30rem) { :host([mode="floating"]) dialog, :host([mode="overlay"]) dialog { inset: 0; margin: 0; width: 100%; height: 100%; border-radius: 0; } :host([mode="floating"][open]) button { display: none; } }
@media (prefers-reduced-motion: no-preference) { button img, button svg { transition: scale 160ms ease-out; } button:hover :is(img, svg) { scale: 1.06; } dialog[open] { animation: rise 160ms ease-out; } @keyframes rise { from { opacity: 0; translate: 0 8px; } } }
`;

  class CharafyWidget extends HTMLElement {
    static observedAttributes = ["character", "mode", "theme", "accent", "lang", "captions", "label", "push-to-talk", "visitor-name"];

    /** What goes on in the frame: "closed" before it was there, then "idle", "listening" and so on. */
    state = "closed";
    #server = HOME;
    #frame = null;
    #ready = false;
    #waiting = [];
    #button = document.createElement("button");
    #panel = document.createElement("dialog");
    #hear = (event) => this.#heard(event);

    constructor() {
      super();
      const looks = new CSSStyleSheet(); // a style element would need the page's policy to allow it
      looks.replaceSync(LOOKS);
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [looks];
      this.#button.type = "button";
      this.#button.part = "launcher";
      this.#panel.part = "panel";
      this.#button.addEventListener("click", () => this.toggle());
      this.#panel.addEventListener("close", () => this.#closed());
      this.#panel.addEventListener("click", ({ target }) => target === this.#panel && this.close()); // its backdrop
      root.append(this.#panel, this.#button);
    }

    get mode() {
      return this.getAttribute("mode") ?? "inline";
    }

    set mode(mode) {
      this.setAttribute("mode", mode);
    }

    /** What the character calls the visitor. Told to the frame, never part of an address. */
    get visitorName() {
      return this.getAttribute("visitor-name") ?? "";
    }

    set visitorName(name) {
      if (name) this.setAttribute("visitor-name", name);
      else this.removeAttribute("visitor-name");
    }

    /** Whether the microphone is open only while the visitor holds the button or the space bar. */
    get pushToTalk() {
      return (this.getAttribute("push-to-talk") ?? "off") !== "off";
    }

    set pushToTalk(on) {
      this.toggleAttribute("push-to-talk", Boolean(on));
    }

    /** Whether the character is to be seen. */
    get opened() {
      return this.#panel.open;
    }

    connectedCallback() {
      if (!MODES.includes(this.mode) || !this.hasAttribute("mode")) this.mode = "inline";
      addEventListener("message", this.#hear);
      this.#name();
      if (this.#stands()) this.open();
    }

    disconnectedCallback() {
      removeEventListener("message", this.#hear);
      this.#drop();
      if (this.opened) this.#panel.close();
    }

    attributeChangedCallback(name, before, now) {
      if (!this.isConnected || before === now) return;
      this.#name();
      if (name === "theme" || name === "accent") return this.#look();
      if (name === "visitor-name") return this.#call();
      if (name === "push-to-talk") return this.#ready && this.#ask(name, { on: this.pushToTalk });
      const open = this.opened;
      this.#drop(); // another character, language or mode: another frame
      if (open) this.#panel.close();
      if (this.#stands()) this.open();
    }

    /** Show the character. It talks once the visitor has begun: their click is their consent. */
    open() {
      if (this.opened || !this.isConnected || !this.getAttribute("character")) return;
      this.#load();
      if (this.mode === "overlay") this.#panel.showModal();
      else this.#panel.show();
      this.toggleAttribute("open", true);
      this.#button.ariaExpanded = "true";
      if (this.mode === "floating") this.#frame.focus();
      this.#tell("open");
    }

    /** Hide it; a conversation ends with it. */
    close() {
      if (this.opened) this.#panel.close();
    }

    toggle() {
      if (this.opened) this.close();
      else this.open();
    }

    /** Have it say exactly this: now, or as soon as the visitor has begun a conversation. */
    speak(text) {
      this.#ask("speak", { text: String(text) });
    }

    /** Have it stop talking. */
    interrupt() {
      this.#ask("interrupt");
    }

    /** With push to talk: what is said from `true` to `false` is one turn. */
    hold(on) {
      this.#ask("hold", { on: Boolean(on) });
    }

    /** End the conversation and stay open. */
    end() {
      this.#ask("end");
    }

    /** Whether it is always there, without a button. */
    #stands() {
      return this.mode === "inline" || this.mode === "fullpage";
    }

    #load() {
      if (this.#frame) return;
      const frame = document.createElement("iframe");
      frame.title = this.getAttribute("label") || this.#words()[1];
      frame.allow = "microphone; autoplay";
      // Who frames it is checked; of the address only that is told.
      frame.referrerPolicy = "strict-origin";
      if (this.mode === "inline") frame.loading = "lazy";
      frame.src = this.#address();
      this.#frame = frame;
      this.#panel.replaceChildren(frame);
    }

    #address() {
      const url = new URL(`/embed/${encodeURIComponent(this.getAttribute("character"))}`, this.#server);
      const asked = { host: location.origin, lang: this.getAttribute("lang"), captions: this.getAttribute("captions"), ...this.#looks() };
      if (!this.#stands()) asked.closable = "1";
      if (this.pushToTalk) asked["push-to-talk"] = "on";
      for (const [name, value] of Object.entries(asked)) if (value) url.searchParams.set(name, value);
      return url.href;
    }

    #looks() {
      const accent = this.getAttribute("accent") || getComputedStyle(this).getPropertyValue("--charafy-accent").trim();
      return { theme: this.getAttribute("theme") ?? "auto", accent: /^#[0-9a-f]{6}$/i.test(accent) ? accent : "" };
    }

    #look() {
      const { accent } = this.#looks();
      if (this.hasAttribute("accent") && accent) this.style.setProperty("--charafy-accent", accent);
      if (this.#ready) this.#ask("look", this.#looks());
    }

    #call() {
      if (this.#ready) this.#ask("name", { name: this.visitorName });
    }

    /** The button's face and name. */
    #name() {
      const character = this.getAttribute("character");
      this.#button.ariaLabel = this.getAttribute("label") || this.#words()[0];
      this.#button.title = this.#button.ariaLabel;
      this.#button.ariaHasPopup = "dialog";
      this.#button.ariaExpanded = String(this.opened);
      this.#panel.ariaLabel = this.getAttribute("label") || this.#words()[1];
      this.#look();
      if (this.#stands() || !character || this.#button.dataset.of === character) return;
      this.#button.dataset.of = character;
      const face = Object.assign(new Image(), { alt: "", decoding: "async" });
      face.addEventListener("error", () => face.replaceWith(icon())); // blocked by the page's policy, or gone
      face.src = new URL(`/embed/${encodeURIComponent(character)}/portrait`, this.#server).href;
      this.#button.replaceChildren(face);
    }

    #words() {
      const language = this.getAttribute("lang") || navigator.language || "en";
      return SPOKEN[language.toLowerCase().startsWith("ja") ? "ja" : "en"];
    }

    #ask(what, detail = {}) {
      if (!this.#ready) {
        this.#waiting = [...this.#waiting.slice(1 - MOST_WAITING), [what, detail]];
        return;
      }
      this.#frame.contentWindow?.postMessage({ charafy: "widget", do: what, ...detail }, this.#server);
    }

    #heard({ source, origin, data }) {
      if (!this.#frame || source !== this.#frame.contentWindow || origin !== this.#server) return;
      if (data?.charafy !== "embed" || typeof data.event !== "string") return;
      const { charafy: _ours, event, ...detail } = data;
      if (event === "ready") {
        this.#ready = true;
        this.#call();
        for (const [what, more] of this.#waiting.splice(0)) this.#ask(what, more);
      }
      if (event === "close") return this.close();
      if (event === "state") this.state = detail.state;
      if (["ready", "state", "transcript", "error"].includes(event)) this.#tell(event, detail);
    }

    #closed() {
      this.toggleAttribute("open", false);
      this.#button.ariaExpanded = "false";
      if (this.#ready) this.end();
      if (this.isConnected) {
        if (this.mode === "floating") this.#button.focus();
        this.#tell("close");
      }
    }

    #drop() {
      this.#frame?.remove();
      this.#frame = null;
      this.#ready = false;
      this.state = "closed";
    }

    #tell(name, detail = null) {
      this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
    }
  }

  function icon() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.append(Object.assign(document.createElementNS(svg.namespaceURI, "path"), {}));
    svg.firstChild.setAttribute("d", ICON);
    return svg;
  }

  if (!customElements.get("charafy-widget")) {
    customElements.define("charafy-widget", CharafyWidget);
    // <button data-charafy-open>: any button of the page opens the first widget that has one to open.
    addEventListener("click", ({ target }) => {
      const opener = target instanceof Element ? target.closest("[data-charafy-open]") : null;
      if (opener) document.querySelector("charafy-widget:is([mode=floating], [mode=overlay])")?.open();
    });
  }

  if (script?.dataset.character) {
    const widget = document.createElement("charafy-widget");
    const { mode = "floating", ...more } = script.dataset;
    widget.setAttribute("mode", mode);
    for (const [name, value] of Object.entries(more)) widget.setAttribute(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value);
    if (mode === "inline") script.after(widget);
    else if (document.body) document.body.append(widget);
    else addEventListener("DOMContentLoaded", () => document.body.append(widget), { once: true });
  }
})();
