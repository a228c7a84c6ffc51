// A picture in a form: chosen, dropped or pasted, looked at by the server, and its eyes, mouth and chin placed by hand.
// Places are fractions of the picture's width and height, as the API takes them.

const CHECK_MS = 700;
const STEP = 0.0025;
const SMALLEST = 0.004;
const MARKS = ["left_eye", "right_eye", "mouth", "chin"];
/** Where a face would be in most portraits, to begin with where none was found. */
const USUAL = {
  left_eye: { x: 0.36, y: 0.38, width: 0.1, height: 0.05 },
  right_eye: { x: 0.54, y: 0.38, width: 0.1, height: 0.05 },
  mouth: { x: 0.42, y: 0.58, width: 0.16, height: 0.06 },
  chin: { x: 0.5, y: 0.72 },
};
/** Of the frame's sides that the face takes, from hairline to chin. */
const LOOKING = 0.6;

export class Picture {
  constructor(box) {
    const $ = (selector) => box.querySelector(selector);
    Object.assign(this, { box, easel: $("[data-easel]"), sheet: $("[data-sheet]"), image: $("[data-sheet] img") });
    Object.assign(this, { file: $("input[type=file]"), field: $("input[name=anchors]"), report: $("[data-report]") });
    Object.assign(this, { tools: $("[data-tools]"), drop: $(".drop"), asked: 0, byHand: false });
    this.found = box.dataset.anchors ? JSON.parse(box.dataset.anchors) : null;
    this.anchors = this.found;
    this.face = this.found && faceOf(this.found);
    this.makeMarks();
    this.listen($("[data-place]"), $("[data-found]"));
    if (box.dataset.src) {
      this.tools.hidden = false;
      if (this.image.complete) this.layOut();
    }
  }

  listen(place, found) {
    this.file.addEventListener("change", () => this.take(this.file.files[0]));
    this.image.addEventListener("load", () => this.layOut());
    this.image.addEventListener("error", () => this.unseen());
    place.addEventListener("click", () => this.placing(place.ariaPressed !== "true"));
    found.addEventListener("click", () => this.forgetHand());
    this.place = place;
    this.again = found;
    this.label = place.textContent;
    for (const kind of this.box.querySelectorAll("[name=kind]")) kind.addEventListener("change", () => this.soon(0));
    new ResizeObserver(() => this.layOut()).observe(this.easel);
    this.easel.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.easel.classList.add("over");
    });
    this.easel.addEventListener("dragleave", () => this.easel.classList.remove("over"));
    this.easel.addEventListener("drop", (event) => {
      event.preventDefault();
      this.easel.classList.remove("over");
      this.give(event.dataTransfer.files);
    });
    document.addEventListener("paste", (event) => this.give(event.clipboardData.files, event));
  }

  /** A file that was dropped or pasted, into the form as if it had been chosen. */
  give(files, event) {
    const picture = [...files].find((file) => file.type.startsWith("image/") || /\.hei[cf]$/i.test(file.name));
    if (!picture) return;
    event?.preventDefault();
    const chosen = new DataTransfer();
    chosen.items.add(picture);
    this.file.files = chosen.files;
    this.take(picture);
  }

  take(file) {
    Object.assign(this, { found: null, anchors: null, face: null, byHand: false });
    this.field.value = "";
    this.again.hidden = true;
    this.placing(false);
    this.report.replaceChildren();
    if (!file) return;
    this.foreign = false;
    this.show(file);
    this.tools.hidden = false;
    this.place.disabled = false;
    this.check();
  }

  show(picture) {
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      this.image.hidden = false;
      this.image.src = reader.result;
      this.drop.hidden = true;
    });
    reader.readAsDataURL(picture);
  }

  /** No browser shows every picture that the server can read: it hands it back in a form that all know. */
  async unseen() {
    const [file] = this.file.files;
    if (file && !this.foreign) {
      this.foreign = true;
      const sent = new FormData();
      sent.append("csrf_token", this.file.form.elements.csrf_token.value);
      sent.append("image", file);
      const answer = await fetch(this.box.dataset.picture, { method: "POST", body: sent }).catch(() => null);
      if (this.file.files[0] !== file) return; // another picture was chosen meanwhile
      if (answer?.ok && !answer.redirected) return this.show(await answer.blob());
    }
    this.image.hidden = true;
    this.drop.hidden = false;
    this.place.disabled = true;
    this.drop.querySelector(".soft").textContent = this.box.dataset.unseen;
  }

  soon(after = CHECK_MS) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), after);
  }

  async check() {
    const turn = ++this.asked;
    const { dataset } = this.box;
    const waiting = Object.assign(document.createElement("p"), { className: "soft small", textContent: dataset.checking });
    this.report.replaceChildren(waiting);
    const html = await this.ask();
    if (turn !== this.asked) return; // another picture was chosen meanwhile
    if (html === null) {
      waiting.textContent = dataset.failed;
      return;
    }
    this.report.innerHTML = html;
    const said = this.report.querySelector("[data-usable]")?.dataset ?? {};
    if (!this.byHand) {
      this.found = said.anchors ? JSON.parse(said.anchors) : null;
      this.anchors = this.found;
    }
    this.face = said.face ? JSON.parse(said.face) : this.anchors && faceOf(this.anchors);
    if (this.place.ariaPressed !== "true") this.layOut();
  }

  async ask() {
    const { form } = this.file;
    const sent = new FormData();
    sent.append("csrf_token", form.elements.csrf_token.value);
    sent.append("kind", form.elements.kind.value);
    sent.append("anchors", this.field.value);
    try {
      sent.append("image", this.file.files[0] ?? (await (await fetch(this.box.dataset.src)).blob()), "picture");
      const answer = await fetch(this.box.dataset.check, { method: "POST", body: sent });
      return answer.ok && !answer.redirected ? await answer.text() : null;
    } catch {
      return null;
    }
  }

  // Seen

  /** The picture in its frame: filled, with the face in the middle; while placing, the face alone. */
  layOut() {
    const { naturalWidth: wide, naturalHeight: high } = this.image;
    const { clientWidth: width, clientHeight: height } = this.easel;
    if (!wide || !width) return;
    const placing = this.place.ariaPressed === "true";
    const face = placing ? closeUp(this.anchors) : this.face;
    let scale = Math.max(width / wide, height / high);
    if (face) {
      const part = placing ? 1 : LOOKING;
      const close = Math.min((part * width) / (face.width * wide), (part * height) / (face.height * high));
      scale = placing ? close : Math.max(scale, Math.min(close, scale * 2.5));
    }
    const [middleX, middleY] = face ? [face.x + face.width / 2, face.y + face.height / 2] : [0.5, 0.4];
    const left = slid(width / 2 - middleX * wide * scale, width - wide * scale);
    const top = slid(height * (placing ? 0.5 : 0.46) - middleY * high * scale, height - high * scale);
    const { style } = this.sheet;
    Object.assign(style, { left: `${left}px`, top: `${top}px`, width: `${wide * scale}px`, height: `${high * scale}px` });
    this.showMarks();
  }

  placing(on) {
    this.place.ariaPressed = String(on);
    this.place.textContent = on ? this.place.dataset.done : this.label;
    this.box.classList.toggle("is-placing", on);
    this.box.querySelector("[data-how]").hidden = !on;
    if (on) this.anchors ??= structuredClone(USUAL);
    for (const mark of Object.values(this.marks)) mark.hidden = !on;
    this.layOut();
  }

  forgetHand() {
    Object.assign(this, { byHand: false, anchors: this.found });
    this.field.value = "";
    this.again.hidden = true;
    this.anchors ??= structuredClone(USUAL);
    this.showMarks();
    this.soon(0);
  }

  // Marks

  makeMarks() {
    this.marks = {};
    for (const name of MARKS) {
      const mark = document.createElement("button");
      mark.type = "button";
      mark.hidden = true;
      mark.className = `mark ${name === "chin" ? "point" : "frame"}`;
      mark.setAttribute("aria-label", this.box.dataset[camel(name)]);
      mark.title = this.box.dataset[camel(name)];
      if (name !== "chin") mark.append(Object.assign(document.createElement("span"), { className: "grip" }));
      mark.addEventListener("keydown", (event) => this.key(name, event));
      mark.addEventListener("pointerdown", (event) => this.grab(name, mark, event));
      this.sheet.append(mark);
      this.marks[name] = mark;
    }
  }

  showMarks() {
    if (!this.anchors) return;
    for (const name of MARKS) {
      const { x, y, width = 0, height = 0 } = this.anchors[name];
      const { style } = this.marks[name];
      Object.assign(style, { left: `${x * 100}%`, top: `${y * 100}%` });
      if (name !== "chin") Object.assign(style, { width: `${width * 100}%`, height: `${height * 100}%` });
    }
  }

  key(name, event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    const [x, y] = way.map((step) => step * STEP);
    if (event.shiftKey) this.size(name, x, y);
    else this.move(name, x, y);
  }

  grab(name, mark, event) {
    event.preventDefault();
    mark.focus({ preventScroll: true });
    mark.setPointerCapture(event.pointerId);
    const act = event.target.classList.contains("grip") ? "size" : "move";
    let { clientX, clientY } = event;
    const leaving = new AbortController();
    const { signal } = leaving;
    const follow = (moved) => {
      const { clientWidth, clientHeight } = this.sheet;
      this[act](name, (moved.clientX - clientX) / clientWidth, (moved.clientY - clientY) / clientHeight);
      ({ clientX, clientY } = moved);
    };
    mark.addEventListener("pointermove", follow, { signal });
    for (const end of ["pointerup", "pointercancel"]) mark.addEventListener(end, () => leaving.abort(), { signal });
  }

  move(name, x, y) {
    const at = this.anchors[name];
    this.put(name, { ...at, x: within(at.x + x, 1 - (at.width ?? 0)), y: within(at.y + y, 1 - (at.height ?? 0)) });
  }

  /** Larger or smaller around its middle. */
  size(name, x, y) {
    if (name === "chin") return this.move(name, x, y);
    const at = this.anchors[name];
    const width = Math.min(1, Math.max(SMALLEST, at.width + 2 * x));
    const height = Math.min(1, Math.max(SMALLEST, at.height + 2 * y));
    const left = within(at.x + (at.width - width) / 2, 1 - width);
    this.put(name, { x: left, y: within(at.y + (at.height - height) / 2, 1 - height), width, height });
  }

  put(name, place) {
    const rounded = Object.entries(place).map(([side, value]) => [side, Math.round(value * 1e5) / 1e5]);
    this.anchors = { ...this.anchors, [name]: Object.fromEntries(rounded) };
    this.byHand = true;
    this.field.value = JSON.stringify(this.anchors);
    this.again.hidden = !this.found;
    this.showMarks();
    this.soon();
  }
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
const within = (value, most) => Math.min(Math.max(0, most), Math.max(0, value));
/** Where a sheet may begin so that it fills its frame; a smaller one stands in the middle. */
const slid = (start, room) => (room < 0 ? Math.min(0, Math.max(room, start)) : room / 2);

/** About where the face is, hairline to chin, whose eyes, mouth and chin are known. */
function faceOf({ left_eye: left, right_eye: right, chin }) {
  const middle = (left.x + right.x + right.width) / 2;
  const apart = right.x + right.width - left.x;
  const top = left.y - (chin.y - left.y) * 0.7;
  return { x: middle - apart, y: Math.max(0, top), width: 2 * apart, height: chin.y - Math.max(0, top) };
}

/** What is to be seen while eyes, mouth and chin are placed. */
function closeUp({ left_eye: left, right_eye: right, chin }) {
  const apart = right.x + right.width - left.x;
  const down = chin.y - left.y;
  return { x: left.x - apart * 0.3, y: left.y - down * 0.35, width: apart * 1.6, height: down * 1.6 };
}
