// <charafy-avatar src="/rigs/emma/rig.json" label="Emma"></charafy-avatar>
//
// Attributes: src, sprites, background, fit, label, renderer. Its `player` is the AvatarPlayer, null
// until it is loaded; the element passes on its events.

import { AvatarPlayer } from "./avatar-player.js";

const STYLE = ":host{display:block;aspect-ratio:1}canvas{display:block;width:100%;height:100%}";
const EVENTS = ["ready", "ended", "error", "contextlost", "contextrestored"];

export class CharafyAvatar extends HTMLElement {
  static observedAttributes = ["src", "sprites", "background", "fit", "label", "renderer"];

  /** @type {AvatarPlayer | null} */
  player = null;

  constructor() {
    super();
    // A style element would need the page's Content-Security-Policy to allow it.
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [style];
  }

  connectedCallback() {
    this.change();
  }

  disconnectedCallback() {
    this.leave();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.change();
  }

  /** Speak: see `AvatarPlayer.play`. Waits for the face if need be. */
  async play(performance) {
    await this.loading;
    return this.player?.play(performance);
  }

  interrupt() {
    this.player?.interrupt();
  }

  change() {
    // Several attributes changed at once are one change.
    this.pending ??= Promise.resolve().then(() => {
      this.pending = null;
      this.loading = this.enter();
    });
    this.loading ??= this.pending;
  }

  async enter() {
    this.leave();
    if (!this.isConnected || !this.getAttribute("src")) return;
    const arriving = new AbortController();
    this.arriving = arriving;
    const canvas = document.createElement("canvas"); // a fresh one: it may draw in another way
    this.shadowRoot.append(canvas);
    try {
      const given = CharafyAvatar.observedAttributes.map((name) => [name, this.getAttribute(name) ?? undefined]);
      const options = { ...Object.fromEntries(given), canvas, signal: arriving.signal };
      const player = await AvatarPlayer.load(this.getAttribute("src"), options);
      if (arriving.signal.aborted) {
        player.destroy();
        return;
      }
      this.player = player;
      for (const name of EVENTS) {
        player.addEventListener(name, ({ detail }) => this.dispatchEvent(new CustomEvent(name, { detail })));
      }
    } catch (error) {
      canvas.remove();
      if (!arriving.signal.aborted) this.dispatchEvent(new CustomEvent("error", { detail: { error } }));
    }
  }

  leave() {
    this.arriving?.abort();
    this.player?.destroy();
    this.player = null;
    this.shadowRoot.querySelector("canvas")?.remove();
  }
}

if (!customElements.get("charafy-avatar")) customElements.define("charafy-avatar", CharafyAvatar);
