// Draws sprite sheets on a canvas without WebGL: the nearest mouth and lids over a still, the whole
// moved a little with the head. The server's `engines/portrait/sprites.py` does the same.

import { AT } from "./pose.js";

/** @param {HTMLCanvasElement} canvas @param {import("./rig.js").LoadedRig} sheet */
export const makeStage = (canvas, sheet) => new SpriteStage(canvas, sheet);

class SpriteStage {
  /** @param {HTMLCanvasElement} canvas @param {import("./rig.js").LoadedRig} sheet */
  constructor(canvas, sheet) {
    this.context = canvas.getContext("2d");
    if (!this.context) throw new Error("the canvas is in use by something else");
    Object.assign(this, { canvas, sheet, shown: "" });
    this.person = paddedCanvas(sheet);
    this.mouths = Object.values(sheet.data.mouths);
    this.weights = Object.entries(sheet.data.weights);
  }

  /** @param {Float32Array} pose @param {import("./view.js").View} view */
  draw(pose, view) {
    const { context, canvas, sheet } = this;
    this.dress(pose);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const scale = view.width / sheet.width;
    context.setTransform(scale, 0, 0, scale, view.x, canvas.height - view.y - view.height);
    this.lay(context, pose, view);
  }

  /** @param {Float32Array} pose @param {import("./view.js").View} view */
  snapshot(pose, view) {
    const { width, height } = this.sheet;
    const context = new OffscreenCanvas(width, height).getContext("2d");
    this.dress(pose);
    this.lay(context, pose, view);
    return context.getImageData(0, 0, width, height);
  }

  lay(context, pose, { keep, paper }) {
    const { width, height, data, textures } = this.sheet;
    context.beginPath();
    context.rect(0, 0, width, height);
    context.save();
    context.clip();
    if (keep) context.drawImage(textures.plate, 0, 0);
    else if (paper[3]) {
      const [r, g, b] = paper.map((part) => Math.round(part * 255));
      context.fillStyle = `rgb(${r} ${g} ${b} / ${paper[3]})`;
      context.fill();
    }
    const [right, down] = this.bob(pose);
    context.drawImage(this.person, right - data.pad, down - data.pad);
    context.restore();
  }

  /** Put the pose's cels on the person, where they aren't yet. */
  dress(pose) {
    const { data, textures } = this.sheet;
    const cels = [
      this.nearestMouth(pose),
      nearest(data.lids, pose[AT.blink_left]),
      nearest(data.lids, pose[AT.blink_right]),
    ];
    if (this.shown === String(cels)) return;
    this.shown = String(cels);
    const context = this.person.getContext("2d");
    ["mouth", "left_eye", "right_eye"].forEach((name, index) => {
      const { place, cels: where } = data.parts[name];
      const to = [place[0] + data.pad, place[1] + data.pad, place[2], place[3]];
      context.clearRect(...to);
      context.drawImage(textures.atlas, ...where[cels[index]], ...to);
    });
  }

  nearestMouth(pose) {
    let best = 0;
    let least = Infinity;
    this.mouths.forEach((mouth, index) => {
      const off = this.weights.reduce(
        (sum, [channel, weight], place) => sum + ((pose[AT[channel]] - mouth[place]) * weight) ** 2,
        0,
      );
      if (off < least) [least, best] = [off, index];
    });
    return best;
  }

  /** By how many pixels the picture moves to the right and down. */
  bob(pose) {
    const { bob, unit, pad } = this.sheet.data;
    return [0, 1].map((axis) => {
      const moved = Object.entries(bob).reduce((sum, [name, by]) => sum + pose[AT[name]] * by[axis], 0);
      return Math.min(Math.max(moved * unit, 1 - pad), pad - 1);
    });
  }

  dispose() {}
}

/** @param {number[]} steps @param {number} value */
function nearest(steps, value) {
  const off = steps.map((step) => Math.abs(step - value));
  return off.indexOf(Math.min(...off));
}

/** The person with its edges drawn out, so that moving it uncovers nothing. */
function paddedCanvas({ width, height, data: { pad }, textures: { base } }) {
  const canvas = new OffscreenCanvas(width + 2 * pad, height + 2 * pad);
  const context = canvas.getContext("2d", { willReadFrequently: false });
  context.imageSmoothingEnabled = false;
  for (const [from, size, to, wide] of stretches(width, pad)) {
    for (const [top, high, down, tall] of stretches(height, pad)) {
      context.drawImage(base, from, top, size, high, to, down, wide, tall);
    }
  }
  return canvas;
}

/** Along one side: first texel, texels, place, length, for the edge, the middle and the other edge. */
const stretches = (length, pad) => [
  [0, 1, 0, pad],
  [0, length, pad, length],
  [length - 1, 1, pad + length, pad],
];
