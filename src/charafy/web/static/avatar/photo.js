// Draws the rigs of photos: the picture's own skin as a mesh that is bent and turned, lids and the
// inside of the mouth laid over it. Step by step as the server's `engines/portrait/photo/rig.py`
// documents it; names are the same there.

import { unpack } from "./arrays.js";
import { Mesh, PLACE, Program, textureOf } from "./gl.js";
import { inside, rowsOfLips } from "./lips.js";
import { AT, CHANNELS } from "./pose.js";
import { Stage } from "./stage.js";

const SKIN_VERTEX = `
layout(location = 0) in vec2 posed;
layout(location = 1) in vec2 uv;
out vec2 texel;
uniform float margin;
${PLACE}
void main() { texel = uv + margin; gl_Position = place(posed); }
`;
const SKIN_FRAGMENT = `
in vec2 texel;
out vec4 color;
uniform sampler2D skin, parts;
uniform vec4 box;
uniform vec2 spot;
uniform float ease;
void main() {
  color = at(skin, texel);
  vec2 inBox = texel - spot;
  if (ease > 0.0 && all(greaterThan(inBox, vec2(-0.5))) && all(lessThan(inBox, box.zw - 0.5))) {
    vec4 patch_ = at(parts, clamp(inBox, vec2(0.0), box.zw - 1.0) + box.xy);
    color.rgb = mix(color.rgb, patch_.rgb, patch_.a * ease);
  }
}
`;
const LID_VERTEX = `
layout(location = 0) in vec2 posed;
layout(location = 1) in vec2 uv;
out vec2 texel;
${PLACE}
void main() { texel = uv; gl_Position = place(posed); }
`;
const LID_FRAGMENT = `
in vec2 texel;
out vec4 color;
uniform sampler2D parts;
uniform float strength;
void main() { color = at(parts, texel); color.a *= strength; }
`;

const UNIT = new Set(["blink_left", "blink_right", "press", "bite", "speaking"]);
const clip = (value, low, high) => Math.min(Math.max(value, low), high);
const smoothstep = (low, high, value) => {
  const x = clip((value - low) / (high - low), 0, 1);
  return x * x * (3 - 2 * x);
};

/** How much of the mouth is at work, and how far the picture's own expression gives way. */
function tempers(p) {
  const { max, abs } = Math;
  const moved = max(p.open, p.round, abs(p.wide), p.upper, p.lower, p.tongue);
  const work = clip(max(p.speaking, p.press, p.bite, 3 * moved), 0, 1);
  return { work, ease: work * (1 - clip(p.smile, 0, 1)) };
}

/** @param {WebGL2RenderingContext} gl @param {import("./rig.js").LoadedRig} rig */
export const makeStage = (gl, rig) => new Stage(gl, rig, new PhotoPainter(gl, rig));

class PhotoPainter {
  /** @param {WebGL2RenderingContext} gl @param {import("./rig.js").LoadedRig} rig */
  constructor(gl, { data, width, height, textures }) {
    Object.assign(this, { gl, data, size: [width, height] });
    this.skin = textureOf(gl, textures.skin);
    this.parts = textureOf(gl, textures.parts);
    this.vertices = unpack(data.vertices);
    this.head = unpack(data.head);
    this.gaze = unpack(data.gaze);
    this.count = this.head.length;
    this.bases = data.bases.map(({ drivers, indices, offsets }) => ({
      drivers,
      indices: unpack(indices),
      offsets: unpack(offsets),
    }));
    this.local = new Float32Array(this.count * 2);
    this.posed = new Float32Array(this.count * 2);
    this.skinProgram = new Program(gl, SKIN_VERTEX, SKIN_FRAGMENT);
    this.skinMesh = new Mesh(gl, [2, 2], unpack(data.triangles));
    this.skinVertices = new Float32Array(this.count * 4);
    this.lidProgram = new Program(gl, LID_VERTEX, LID_FRAGMENT);
    this.lids = data.lids.map((lid) => ({
      driver: lid.driver,
      uv: unpack(lid.uv),
      vertices: unpack(lid.vertices),
      mesh: new Mesh(gl, [2, 2], unpack(lid.triangles)),
    }));
    this.mouth = inside(gl, data);
  }

  /** @param {Float32Array} row a pose @param {import("./gl.js").Target} target */
  draw(row, target) {
    const { gl } = this;
    target.begin();
    const pose = Object.fromEntries(
      CHANNELS.map((name) => [name, clip(row[AT[name]], UNIT.has(name) ? 0 : -1.5, UNIT.has(name) ? 1 : 1.5)]),
    );
    const { work, ease } = tempers(pose);
    this.move({ ...pose, work, ease });
    this.turn(pose);
    this.drawSkin(pose, ease);
    gl.enable(gl.BLEND);
    gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ZERO, gl.ONE);
    this.drawLids(pose);
    this.drawMouth(pose, work);
  }

  /** Vertices before the head turns. */
  move(values) {
    const { vertices, local } = this;
    for (let i = 0; i < this.count; i++) {
      local[2 * i] = vertices[3 * i];
      local[2 * i + 1] = vertices[3 * i + 1];
    }
    for (const { drivers, indices, offsets } of this.bases) {
      const weight = drivers.reduce((product, name) => product * values[name], 1) / 64;
      if (!weight) continue;
      for (let j = 0; j < indices.length; j++) {
        local[2 * indices[j]] += weight * offsets[2 * j];
        local[2 * indices[j] + 1] += weight * offsets[2 * j + 1];
      }
    }
  }

  /** Where they come to lie on the frame. */
  turn({ yaw, pitch, roll, shift_x, shift_y }) {
    const { vertices, local, posed, head } = this;
    const { pivot, pivot_depth: depth, span } = this.data;
    for (let i = 0; i < this.count; i++) {
      const h = head[i];
      let x = local[2 * i] - pivot[0];
      let y = local[2 * i + 1] - pivot[1];
      let z = vertices[3 * i + 2] - depth;
      let sin = Math.sin(h * yaw);
      let cos = Math.cos(h * yaw);
      [x, z] = [x * cos - z * sin, x * sin + z * cos];
      sin = Math.sin(h * pitch);
      cos = Math.cos(h * pitch);
      y = y * cos - z * sin;
      sin = Math.sin(h * roll);
      cos = Math.cos(h * roll);
      posed[2 * i] = pivot[0] + x * cos - y * sin + h * span * shift_x;
      posed[2 * i + 1] = pivot[1] + x * sin + y * cos + h * span * shift_y;
    }
  }

  drawSkin({ gaze_x, gaze_y }, ease) {
    const { data, vertices, local, posed, skinVertices: rows, gaze } = this;
    const { across, down, gaze_reach: reach, eyes_from: eyes } = data;
    const look = [0, 1].map((i) => gaze_x * reach[0] * across[i] + gaze_y * reach[1] * down[i]);
    for (let i = 0; i < this.count; i++) {
      rows[4 * i] = posed[2 * i];
      rows[4 * i + 1] = posed[2 * i + 1];
      const eye = i >= eyes;
      rows[4 * i + 2] = eye ? local[2 * i] - gaze[i - eyes] * look[0] : vertices[3 * i];
      rows[4 * i + 3] = eye ? local[2 * i + 1] - gaze[i - eyes] * look[1] : vertices[3 * i + 1];
    }
    const { relax, margin } = data;
    this.skinProgram.use({
      size: this.size,
      margin,
      skin: this.skin,
      parts: this.parts,
      ease: relax ? ease : 0,
      box: relax ? data.parts[relax.part] : [0, 0, 0, 0],
      spot: relax ? relax.at : [0, 0],
    });
    this.skinMesh.draw(rows);
  }

  drawLids(pose) {
    for (const { driver, uv, vertices, mesh } of this.lids) {
      if (pose[driver] <= 0.02) continue;
      const rows = new Float32Array(vertices.length * 4);
      vertices.forEach((vertex, k) => {
        rows.set(this.posed.subarray(2 * vertex, 2 * vertex + 2), 4 * k);
        rows.set(uv.subarray(2 * k, 2 * k + 2), 4 * k + 2);
      });
      const strength = smoothstep(0.05, 0.5, pose[driver]);
      this.lidProgram.use({ size: this.size, parts: this.parts, strength });
      mesh.draw(rows);
    }
  }

  drawMouth(pose, work) {
    if (work <= 0) return;
    const rows = rowsOfLips(this.data, this.mouth, this.local, this.posed, work);
    this.mouth.program.use({ ...this.mouth.uniforms(pose, work), size: this.size, parts: this.parts });
    this.mouth.mesh.draw(rows);
  }
}
