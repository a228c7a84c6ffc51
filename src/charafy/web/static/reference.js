// The API reference comes alive: language tabs that agree, copy buttons, "you are here", and a
// field for the reader's own key that makes every example runnable. The page reads well without.

const LANGUAGE = "charafy.reference.language";
const KEY = "YOUR_API_KEY";
const CHARACTER = "CHAR_ID";
const RATE_HZ = 24000;

const page = document.querySelector(".ref");

function remember(language) {
  try {
    localStorage.setItem(LANGUAGE, language);
  } catch {
    // Storage may be off: the choice then lasts as long as the page.
  }
}

function recall() {
  try {
    return localStorage.getItem(LANGUAGE);
  } catch {
    return null;
  }
}

// Choosing a language anywhere chooses it everywhere, without moving what the reader looks at.
function choose(language, chosen) {
  const before = chosen?.getBoundingClientRect().top;
  for (const tab of page.querySelectorAll(".ref-tabs input")) {
    if (tab.value === language) tab.checked = true;
  }
  if (chosen) window.scrollBy({ top: chosen.getBoundingClientRect().top - before, behavior: "instant" });
}

function tabs() {
  page.addEventListener("change", ({ target }) => {
    if (!target.matches(".ref-tabs input")) return;
    choose(target.value, target);
    remember(target.value);
  });
  const language = recall();
  if (language) choose(language);
}

function visible(figure) {
  return [...figure.querySelectorAll("pre")].find((pre) => pre.checkVisibility());
}

function copying() {
  for (const button of page.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(visible(button.closest(".ref-code")).textContent);
      const label = button.textContent;
      button.textContent = button.dataset.done;
      button.disabled = true;
      setTimeout(() => {
        button.textContent = label;
        button.disabled = false;
      }, 1200);
    });
  }
}

// Marks the section under the reader's eyes and keeps its entry in view.
function contents() {
  const nav = page.querySelector(".ref-nav");
  const entries = new Map([...nav.querySelectorAll("a")].map((a) => [a.hash.slice(1), a]));
  const watcher = new IntersectionObserver(
    (changes) => {
      const change = changes.find(({ isIntersecting }) => isIntersecting);
      const entry = change && entries.get(change.target.id);
      if (!entry) return;
      nav.querySelector("[aria-current]")?.removeAttribute("aria-current");
      entry.setAttribute("aria-current", "location");
      if (nav.scrollHeight > nav.clientHeight) {
        const offset = entry.offsetTop - nav.clientHeight / 2;
        nav.scrollTo({ top: offset, behavior: "instant" });
      }
    },
    { rootMargin: "-15% 0px -80% 0px" },
  );
  for (const section of page.querySelectorAll("[data-section]")) watcher.observe(section);
  nav.addEventListener("click", ({ target }) => {
    if (target.closest("a") && nav.matches(":popover-open")) nav.hidePopover();
  });
}

// Swaps a placeholder in every example for what the reader gave, and back when it is emptied.
class Placeholder {
  #spots = [];

  constructor(text) {
    const walker = document.createTreeWalker(page.querySelector(".ref-main"), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.data.includes(text)) this.#spots.push([node, node.data]);
    }
    this.text = text;
    this.value = text;
  }

  fill(value) {
    const next = value || this.text;
    for (const [node] of this.#spots) node.data = node.data.replaceAll(this.value, next);
    this.value = next;
  }
}

// Plays 16-bit mono PCM as it arrives, a little ahead of the loudspeaker.
class Player {
  #context = new AudioContext({ sampleRate: RATE_HZ });
  #next = 0;
  #odd = new Uint8Array();

  add(bytes) {
    const all = new Uint8Array(this.#odd.length + bytes.length);
    all.set(this.#odd);
    all.set(bytes, this.#odd.length);
    const whole = all.length - (all.length % 2);
    this.#odd = all.slice(whole);
    if (!whole) return;
    const view = new DataView(all.buffer, 0, whole);
    const buffer = this.#context.createBuffer(1, whole / 2, RATE_HZ);
    const samples = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(i * 2, true) / 32768;
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#context.destination);
    this.#next = Math.max(this.#next, this.#context.currentTime + 0.05);
    source.start(this.#next);
    this.#next += buffer.duration;
  }

  // Resolves when the last sound has been heard.
  async close() {
    const left = Math.max(0, this.#next - this.#context.currentTime);
    await new Promise((resolve) => setTimeout(resolve, left * 1000 + 200));
    await this.#context.close();
  }
}

async function answer(response) {
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new Error(body.error ?? `${response.status}`);
}

function option({ name, character_id: id, photo_url: photo }) {
  const entry = new Option(name, id);
  entry.dataset.photo = photo;
  return entry;
}

class Try {
  constructor(form) {
    this.form = form;
    this.face = form.querySelector("img");
    this.words = form.dataset;
    this.note = form.querySelector("[role=status]");
    this.key = new Placeholder(KEY);
    this.character = new Placeholder(CHARACTER);
    form.hidden = false;
    form.elements.key.addEventListener("change", () => this.#identify());
    form.elements.character.addEventListener("change", () => this.#choose());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#speak();
    });
  }

  #headers() {
    return { "x-api-key": this.form.elements.key.value.trim(), "Content-Type": "application/json" };
  }

  #choose() {
    const { character } = this.form.elements;
    this.character.fill(character.value);
    const photo = character.selectedOptions[0]?.dataset.photo;
    if (!photo) return;
    // The same file at this page's own address, whatever name the server is known by.
    const { pathname, search } = new URL(photo);
    this.face.src = pathname + search;
    this.face.alt = character.selectedOptions[0].text;
    this.face.hidden = false;
  }

  async #identify() {
    const { key, character } = this.form.elements;
    this.key.fill(key.value.trim());
    if (!key.value.trim()) return;
    try {
      const response = await answer(await fetch("/api/v1/characters", { headers: this.#headers() }));
      const { characters } = await response.json();
      character.replaceChildren(...characters.map(option));
      character.disabled = !characters.length;
      this.note.textContent = characters.length ? "" : this.words.none;
      this.#choose();
    } catch (error) {
      this.note.textContent = error.message;
    }
  }

  async #speak() {
    const { key, character, text } = this.form.elements;
    if (!key.value.trim()) {
      this.note.textContent = this.words.keyMissing;
      key.focus();
      return;
    }
    if (character.disabled) await this.#identify();
    if (character.disabled) return;
    const button = this.form.querySelector("button");
    button.disabled = true;
    this.note.textContent = this.words.waiting;
    try {
      await this.#play({ character_id: character.value, text: text.value, format: "pcm" });
    } catch (error) {
      this.note.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  }

  async #play(body) {
    const player = new Player();
    const started = performance.now();
    try {
      const response = await answer(
        await fetch("/api/v1/tts", {
          method: "POST",
          headers: this.#headers(),
          body: JSON.stringify(body),
        }),
      );
      const credits = response.headers.get("x-credits-used") ?? "?";
      let first = null;
      for (const reader = response.body.getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        first ??= Math.round(performance.now() - started);
        player.add(value);
        this.face.classList.add("ref-speaking");
      }
      this.note.textContent = this.words.done.replace("{ms}", first).replace("{credits}", credits);
    } finally {
      await player.close();
      this.face.classList.remove("ref-speaking");
    }
  }
}

if (page) {
  tabs();
  copying();
  contents();
  const form = page.querySelector(".ref-try");
  if (form) new Try(form);
}
