// Draws the rigs of drawings: mouths and lids are laid on the picture as cels, then the whole is
// moved by a smooth field. Step by step as the server's `engines/portrait/drawing/rig.py` documents
// it; names are the same there.

import { unpack } from "./arrays.js";
import { Mesh, PLACE, Program, Target, textureOf } from "./gl.js";
import { AT, CHANNELS } from "./pose.js";
import { Stage } from "./stage.js";

/** Cels that can be mixed at once: eight of a mouth's grid, and three special ones. */
const MOST = 11;
const STILL = 1e-3;

const CEL_VERTEX = `
layout(location = 0) in vec2 corner;
out vec2 pixel;
${PLACE}
void main() { pixel = corner; gl_Position = place(corner); }
`;
const CEL_FRAGMENT = `
in vec2 pixel;
out vec4 color;
uniform sampler2D cels;
uniform vec4 rects[${MOST}], maps[${MOST}];
uniform float weights[${MOST}];
void main() {
  color = vec4(0.0);
  for (int i = 0; i < ${MOST}; i++) {
    if (weights[i] <= 0.0) continue;
    vec2 texel = maps[i].xy + pixel * maps[i].zw;
    vec2 shown = clamp(min(texel + 1.0, rects[i].zw - texel), 0.0, 1.0);
    vec2 inside = clamp(texel, vec2(0.0), rects[i].zw - 1.0);
    color += weights[i] * shown.x * shown.y * at(cels, inside + rects[i].xy);
  }
}
`;
const PICTURE_VERTEX = `
layout(location = 0) in vec2 pixel;
layout(location = 1) in vec2 from;
out vec2 texel;
${PLACE}
void main() { texel = from; gl_Position = place(pixel); }
`;
const PICTURE_FRAGMENT = `
in vec2 texel;
out vec4 color;
uniform sampler2D picture;
uniform float straight;
void main() {
  color = at(picture, texel);
  color.rgb *= mix(1.0, color.a, straight);
}
`;

const UNIT = new Set([
  "open", "round", "upper", "lower", "press", "bite", "tongue", "smile", "speaking", "breath",
  "blink_left", "blink_right",
]);
const clip = (value, low, high) => Math.min(Math.max(value, low), high);
const c01 = (value) => clip(value, 0, 1);

/** @param {WebGL2RenderingContext} gl @param {import("./rig.js").LoadedRig} rig */
export const makeStage = (gl, rig) => new Stage(gl, rig, new DrawingPainter(gl, rig));

class DrawingPainter {
  /** @param {WebGL2RenderingContext} gl @param {import("./rig.js").LoadedRig} rig */
  constructor(gl, { data, width, height, textures }) {
    Object.assign(this, { gl, data, size: [width, height], premultiplied: true });
    this.celProgram = new Program(gl, CEL_VERTEX, CEL_FRAGMENT);
    this.pictureProgram = new Program(gl, PICTURE_VERTEX, PICTURE_FRAGMENT);
    const quad = Uint16Array.of(0, 1, 2, 0, 2, 3);
    this.box = new Mesh(gl, [2], quad);
    this.whole = new Mesh(gl, [2, 2], quad);
    this.base = this.premultiply(textures.base);
    this.cels = this.premultiply(textures.cels);
    this.canvas = new Target(gl, width, height);
    this.lids = data.lids;
    this.fields = data.fields.map((field) => ({ ...field, weights: unpack(field.weights) }));
    this.makeGrid(data.grid, width, height);
  }

  /** @param {Float32Array} row a pose @param {Target} target */
  draw(row, target) {
    const pose = Object.fromEntries(
      CHANNELS.map((name) => [name, UNIT.has(name) ? c01(row[AT[name]]) : clip(row[AT[name]], -1.5, 1.5)]),
    );
    const { gl, canvas, size } = this;
    canvas.begin();
    this.copy(this.base, size);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.layMouth(pose);
    for (const { driver, cels } of this.lids) this.layLid(cels, pose[driver]);
    gl.disable(gl.BLEND);
    target.begin();
    if (this.bend(pose)) {
      this.pictureProgram.use({ size, picture: canvas, straight: 0 });
      this.grid.draw(this.nodes);
    } else this.copy(canvas, size);
  }

  layMouth(pose) {
    const { under, mouth } = this.data;
    const { opacity, weights } = mouthMix(pose, mouth);
    if (opacity <= 0) return;
    this.lay([placed(under, opacity)]);
    const cels = [...weights].map(([index, weight]) => ({ cel: mouth.cels[index], weight }));
    const place = [0, 1, 2, 3].map((side) =>
      cels.reduce((sum, { cel, weight }) => sum + weight * cel.place[side], 0),
    );
    this.lay(
      cels.map(({ cel: { rect, box }, weight }) => {
        const scale = [0, 1].map((axis) => (box[axis + 2] - box[axis]) / (place[axis + 2] - place[axis]));
        const start = [0, 1].map((axis) => box[axis] - place[axis] * scale[axis]);
        return { rect, map: [...start, ...scale], weight: weight * opacity };
      }),
    );
  }

  layLid(cels, blink) {
    const at = blink * cels.length;
    const before = Math.floor(at);
    const share = at - before;
    this.lay([
      ...(cels[before - 1] && share < 1 ? [placed(cels[before - 1], 1 - share)] : []),
      ...(cels[before] && share > 0 ? [placed(cels[before], share)] : []),
    ]);
  }

  /** Mix cels and lay the mixture over the canvas. @param {{rect, map, weight}[]} mixed */
  lay(mixed) {
    if (!mixed.length) return;
    const rects = new Float32Array(4 * MOST);
    const maps = new Float32Array(4 * MOST);
    const weights = new Float32Array(MOST);
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    mixed.forEach(({ rect, map, weight }, i) => {
      rects.set(rect, 4 * i);
      maps.set(map, 4 * i);
      weights[i] = weight;
      left = Math.min(left, (-1 - map[0]) / map[2]);
      top = Math.min(top, (-1 - map[1]) / map[3]);
      right = Math.max(right, (rect[2] - map[0]) / map[2]);
      bottom = Math.max(bottom, (rect[3] - map[1]) / map[3]);
    });
    this.celProgram.use({
      size: this.size,
      cels: this.cels,
      rects: { list: rects, of: 4 },
      maps: { list: maps, of: 4 },
      weights: { list: weights, of: 1 },
    });
    this.box.draw(Float32Array.of(left, top, right, top, right, bottom, left, bottom));
  }

  makeGrid({ columns, rows }, width, height) {
    this.nodes = new Float32Array(4 * columns * rows);
    const cells = [];
    for (let i = 0; i < columns * rows; i++) {
      const [column, row] = [i % columns, Math.floor(i / columns)];
      this.nodes[4 * i] = along(column, columns, width);
      this.nodes[4 * i + 1] = along(row, rows, height);
      if (column + 1 < columns && row + 1 < rows) {
        cells.push(i, i + 1, i + columns + 1, i, i + columns + 1, i + columns);
      }
    }
    this.grid = new Mesh(this.gl, [2, 2], Uint16Array.from(cells));
  }

  /** Where each node's pixel comes from. @returns {boolean} whether anything moves */
  bend(pose) {
    const { nodes } = this;
    let most = 0;
    for (let i = 0; i < nodes.length; i += 4) nodes[i + 2] = nodes[i + 3] = 0;
    for (const { weights, x, y, pivot, unless } of this.fields) {
      const much = (unless ? 1 - pose[unless] : 1) / 255;
      const [moveX, moveY] = [x, y].map((by) => much * sumOf(by, pose));
      const turn = pivot ? much * pose.roll : 0;
      for (let i = 0, k = 0; k < weights.length; i += 4, k++) {
        nodes[i + 2] += weights[k] * (moveX - (turn && turn * (nodes[i + 1] - pivot[1])));
        nodes[i + 3] += weights[k] * (moveY + (turn && turn * (nodes[i] - pivot[0])));
      }
    }
    for (let i = 0; i < nodes.length; i += 4) {
      most = Math.max(most, Math.abs(nodes[i + 2]), Math.abs(nodes[i + 3]));
      nodes[i + 2] = nodes[i] - nodes[i + 2];
      nodes[i + 3] = nodes[i + 1] - nodes[i + 3];
    }
    return most >= STILL;
  }

  /** Fill the target with a picture of its size. */
  copy(picture, [width, height], straight = 0) {
    const [l, t, r, b] = [-0.5, -0.5, width - 0.5, height - 0.5];
    this.pictureProgram.use({ size: [width, height], picture, straight });
    this.whole.draw(Float32Array.of(l, t, l, t, r, t, r, t, r, b, r, b, l, b, l, b));
  }

  premultiply(image) {
    const { gl } = this;
    const target = new Target(gl, image.width, image.height);
    const raw = textureOf(gl, image);
    gl.disable(gl.BLEND);
    target.begin();
    this.copy(raw, [image.width, image.height], 1);
    gl.deleteTexture(raw.texture);
    return target;
  }
}

/** A node's place: centres of pixels, but the outermost reach the picture's edges. */
const along = (node, nodes, length) =>
  (node * (length - 1)) / (nodes - 1) + (node === nodes - 1 ? 0.5 : node ? 0 : -0.5);

const sumOf = (by, pose) => Object.entries(by).reduce((sum, [name, pixels]) => sum + pixels * pose[name], 0);

/** A cel that lies where it was cut. */
const placed = ({ rect, at }, weight) => ({ rect, map: [-at[0], -at[1], 1, 1], weight });

/** Which cels a pose asks for, and how much of each. */
function mouthMix(p, mouth) {
  const free = 1 - p.press;
  const open = p.open * free;
  const wide = clip(p.wide - p.round, -1, 1) * (1 - 0.5 * p.press);
  const bite = p.bite * free;
  const shut = c01((Math.min(p.upper, p.lower) - 0.22) / 0.1) * c01((0.3 - open) / 0.15);
  const clench = shut * (1 - c01(-wide)) * (1 - bite) * free;
  const tip = c01((p.tongue - 0.5) / 0.5) * c01((0.5 - open) / 0.2);
  const tongue = tip * (1 - bite - clench) * free;
  const rest = mouth.rest_is_open ? p.speaking : 0;
  const weights = new Map();
  const add = (cel, weight) => weight > 0 && weights.set(cel, (weights.get(cel) ?? 0) + weight);
  const share = 1 - bite - clench - tongue;
  const teeth = c01((p.upper - 0.12) / 0.16);
  const [i, down] = between(mouth.openings, open);
  const [j, along] = between(mouth.widths, wide);
  for (const [row, a] of [[i, 1 - down], [i + 1, down]]) {
    for (const [column, b] of [[j, 1 - along], [j + 1, along]]) {
      add(mouth.plain[row][column], share * (1 - teeth) * a * b);
      add(mouth.teeth[row][column], share * teeth * a * b);
    }
  }
  add(mouth.bite, bite);
  add(mouth.clench, clench);
  add(mouth.tongue, tongue);
  const opacity = c01(Math.max(20 * open, 10 * Math.abs(wide), 10 * bite, 10 * clench, 10 * tongue, rest));
  return { opacity, weights };
}

/** The stop before, and how far to the next. */
function between(stops, value) {
  let i = 0;
  while (i < stops.length - 2 && stops[i + 1] <= value) i++;
  return [i, c01((value - stops[i]) / (stops[i + 1] - stops[i]))];
}
