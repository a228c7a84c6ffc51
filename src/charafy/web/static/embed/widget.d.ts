/** `<charafy-widget>`: a character on any page. `widget.js` defines it; with `data-character` on its own
 * script element it also adds one to the page. */

export type Mode = "floating" | "overlay" | "fullpage" | "inline";

export type WidgetState =
  | "closed" | "idle" | "connecting" | "listening" | "thinking" | "speaking" | "reconnecting" | "ended";

/** Attributes, of the element as they are and of the script as `data-…`. */
export interface CharafyWidgetAttributes {
  /** Of a character with `embed_enabled`. */
  character: string;
  /** "inline" by default; of the script "floating". */
  mode?: Mode;
  /** "auto" by default: as the visitor's system. */
  theme?: "auto" | "light" | "dark";
  /** As `#cb3d26`. */
  accent?: string;
  /** By default the language of the visitor's browser. */
  lang?: "en" | "ja";
  /** "off": without captions until the visitor wants them. */
  captions?: "on" | "off";
  /** Of the button and the frame, for screen readers. */
  label?: string;
  /** Of the button; "right" by default. */
  position?: "left" | "right";
  /** There, and not "off": the microphone is open only while the visitor holds the button or the space bar. */
  "push-to-talk"?: "" | "on" | "off";
  /** What the character calls the visitor, at most 100 characters. */
  "visitor-name"?: string;
  /** "none": opened by `open()` or by any element with `data-charafy-open`. */
  launcher?: "none";
}

/** They bubble; `detail` is what stands here. */
export interface CharafyWidgetEventMap {
  /** The character is in its frame; nobody talks yet. */
  ready: CustomEvent<{ character: { id: string; name: string; language: "en" | "ja" } }>;
  open: CustomEvent<null>;
  close: CustomEvent<null>;
  /** `reason` with "ended": hang_up, limit, idle, disconnected, failed, deleted and others. */
  state: CustomEvent<{ state: WidgetState; reason?: string }>;
  /** Of the visitor: replaced by the next until it is final. Of the character: a clause as it is heard. */
  transcript: CustomEvent<{ who: "user" | "character"; text: string; final: boolean }>;
  /** `code`: not_found, origin_not_allowed, embed_full, embed_limit_reached, embed_unavailable,
   * rate_limited, microphone_blocked and what else a conversation can meet. */
  error: CustomEvent<{ code: string; message: string; fatal: boolean }>;
}

export class CharafyWidget extends HTMLElement {
  mode: Mode;
  /** As the attribute `visitor-name`; what is set while they talk counts at once. */
  visitorName: string;
  /** As the attribute `push-to-talk`. */
  pushToTalk: boolean;
  readonly state: WidgetState;
  readonly opened: boolean;
  /** Show the character. It talks once the visitor has begun: their click is their consent. */
  open(): void;
  /** Hide it; a conversation ends with it. */
  close(): void;
  toggle(): void;
  /** Have it say exactly this: now, or as soon as the visitor has begun a conversation. */
  speak(text: string): void;
  /** Have it stop talking. */
  interrupt(): void;
  /** With push to talk: what is said from `true` to `false` is one turn. */
  hold(on: boolean): void;
  /** End the conversation and stay open. */
  end(): void;
  addEventListener<K extends keyof CharafyWidgetEventMap>(
    type: K,
    listener: (event: CharafyWidgetEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "charafy-widget": CharafyWidget;
  }
}
