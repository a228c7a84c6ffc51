// What was said, as it is read along: a list of both, and the character's last words under its face.

export class Transcript {
  /**
   * @param {HTMLOListElement} list
   * @param {HTMLElement} bubble
   * @param {{language: string, user: string, character: string}} names
   * @param {(said: {who: "user" | "character", text: string, final: boolean}) => void} tell
   */
  constructor(list, bubble, names, tell) {
    Object.assign(this, { list, bubble, names, tell, hearing: null, answering: null, visible: true });
  }

  set shown(on) {
    this.visible = on;
    this.list.hidden = !on || !this.list.childElementCount;
    if (!on) this.bubble.hidden = true;
  }

  /** A caption of the conversation: text only, whatever it holds. */
  add({ who, text, final, reply }) {
    const user = who === "user";
    const slot = user ? "hearing" : "answering";
    const known = this[slot]?.reply === reply ? this[slot] : null;
    const entry = known ?? Object.assign(this.line(user), { reply });
    entry.text = user || !known ? text : `${entry.text}${gap(entry.text)}${text}`;
    entry.words.textContent = entry.text;
    entry.item.classList.toggle("unsure", !final);
    this[slot] = user && final ? null : entry;
    if (!user) this.bubble.textContent = text;
    if (!user) this.bubble.hidden = !this.visible;
    this.list.hidden = !this.visible;
    this.list.scrollTop = this.list.scrollHeight;
    this.tell({ who, text, final });
  }

  /** The reply is over; the next one is a line of its own. */
  pause() {
    this.answering = null;
  }

  hush() {
    this.bubble.hidden = true;
  }

  end() {
    this.hearing = this.answering = null;
    this.hush();
  }

  line(user) {
    const item = document.createElement("li");
    const who = Object.assign(document.createElement("span"), { className: "who" });
    who.textContent = user ? this.names.user : this.names.character;
    const words = document.createElement("span");
    words.lang = this.names.language;
    item.className = user ? "user" : "character";
    item.append(who, words);
    this.list.append(item);
    return { item, words, text: "" };
  }
}

/** Japanese sets no space between clauses. */
const gap = (before) => (/[\u3000-\u9fff\uff00-\uffef]$/.test(before) ? "" : " ");
