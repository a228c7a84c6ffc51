// The inside of a photo's mouth: a strip between the lips in which teeth and tongue are seen.

import { unpack } from "./arrays.js";
import { Mesh, PLACE, Program } from "./gl.js";

const FLOATS = 8; // posed x y, a, below, height, side, X Y
const VERTEX = `
layout(location = 0) in vec2 posed;
layout(location = 1) in vec4 measures;
layout(location = 2) in vec2 spot;
out vec4 m;
out vec2 p;
${PLACE}
void main() { m = measures; p = spot; gl_Position = place(posed); }
`;
const FRAGMENT = `
in vec4 m;
in vec2 p;
out vec4 color;
uniform sampler2D parts;
uniform vec3 cavity;
uniform vec2 behind, lip, ground;
uniform float jaw, tongue, rounding, buccal, work;
uniform vec4 upperBox, lowerBox, tongueBox;
uniform vec3 upperAt, lowerAt, tongueAt;
vec4 part(vec4 box, vec3 spot, vec2 where) {
  vec2 texel = (where - spot.xy) * spot.z;
  bool inside = all(greaterThan(texel, vec2(-0.5))) && all(lessThan(texel, box.zw - 0.5));
  return inside ? at(parts, texel + box.xy) : vec4(0.0);
}
void main() {
  float below = m.y, height = m.z, side = m.w;
  vec2 q = p + behind;
  vec3 deep = cavity / 255.0;
  vec3 rgb = deep * (1.0 - 0.5 * side * side);
  vec4 t = part(tongueBox, tongueAt, q - vec2(0.0, jaw * (0.75 - 0.55 * tongue) + 0.045 - 0.045 * tongue));
  rgb = mix(rgb, t.rgb * (0.55 + 0.45 * min(height / 0.12, 1.0)), t.a);
  t = part(lowerBox, lowerAt, q - vec2(0.0, jaw));
  rgb = mix(rgb, t.rgb, t.a * (1.0 - min(1.6 * rounding, 1.0)));
  t = part(upperBox, upperAt, q);
  rgb = mix(rgb, t.rgb, t.a);
  float corner = pow(clamp((abs(side) - 0.45) / 0.55, 0.0, 1.0), 1.5) * 0.8 * buccal;
  rgb = mix(rgb, deep, 1.0 - (1.0 - corner) * (1.0 - 0.25 * rounding));
  float light = mix(lip.x, 1.0, smoothstep(0.0, lip.y, below));
  light *= mix(ground.x, 1.0, smoothstep(0.0, ground.y, height - below));
  light *= 1.0 - 0.3 * rounding;
  rgb *= vec3(light, light * (0.74 + 0.26 * light), light * (0.68 + 0.32 * light));
  color = vec4(rgb, m.x * min(4.0 * work, 1.0));
}
`;

/**
 * What of the mouth doesn't change.
 * @param {WebGL2RenderingContext} gl @param {any} data of the rig
 */
export function inside(gl, data) {
  const { mouth } = data;
  const upper = unpack(mouth.upper);
  const lower = unpack(mouth.lower);
  const columns = (upper.length - 1) * mouth.columns + 1;
  const place = (name) => ({
    box: data.parts[mouth[name].part],
    at: [...mouth[name].at, mouth.texels],
  });
  const [up, low, tongue] = ["teeth_upper", "teeth_lower", "tongue"].map(place);
  return {
    upper,
    lower,
    columns,
    rows: new Float32Array(4 * columns * FLOATS),
    program: new Program(gl, VERTEX, FRAGMENT),
    mesh: new Mesh(gl, [2, 4, 2], cells(columns)),
    uniforms: (pose, work) => ({
      cavity: mouth.cavity,
      behind: [mouth.depth * pose.yaw, mouth.depth * pose.pitch],
      jaw: mouth.drop * pose.open,
      tongue: pose.tongue,
      rounding: Math.min(Math.max(pose.round, 0), 1),
      buccal: mouth.buccal,
      lip: mouth.lip_shadow,
      ground: mouth.floor_shadow,
      work,
      upperBox: up.box,
      lowerBox: low.box,
      tongueBox: tongue.box,
      upperAt: up.at,
      lowerAt: low.at,
      tongueAt: tongue.at,
    }),
  };
}

/** Two triangles for each cell between four rows of `columns` vertices. */
function cells(columns) {
  const found = [];
  for (let r = 0; r < 3; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      const i = r * columns + c;
      found.push(i, i + 1, i + columns + 1, i, i + columns + 1, i + columns);
    }
  }
  return Uint16Array.from(found);
}

/** The strip's vertices, row by row. */
export function rowsOfLips({ across, down, span, mouth }, made, local, posed, work) {
  const { columns, rows } = made;
  const each = mouth.columns;
  const [upperLocal, lowerLocal] = [resample(local, made.upper, each), resample(local, made.lower, each)];
  const [upper, lower] = [resample(posed, made.upper, each), resample(posed, made.lower, each)];
  for (let c = 0; c < columns; c++) {
    const [ux, uy, lx, ly] = [upperLocal[2 * c], upperLocal[2 * c + 1], lowerLocal[2 * c], lowerLocal[2 * c + 1]];
    const gap = Math.max((lx - ux) * down[0] + (ly - uy) * down[1], 0);
    let nx = lower[2 * c] - upper[2 * c];
    let ny = lower[2 * c + 1] - upper[2 * c + 1];
    const far = Math.hypot(nx, ny);
    [nx, ny] = gap < 0.01 * span || !far ? down : [nx / far, ny / far];
    const g = Math.max((lower[2 * c] - upper[2 * c]) * nx + (lower[2 * c + 1] - upper[2 * c + 1]) * ny, 0);
    const { edge } = mouth;
    const [eu, el] = [edge * slant(upper, c, nx, ny), edge * slant(lower, c, nx, ny)];
    const [tu, tl] = [Math.min(eu, g / 2), Math.min(el, g / 2)];
    const solid = Math.max(Math.min(g / (2 * edge), 1), mouth.contact * work * (1 - ((2 * c) / (columns - 1) - 1) ** 4));
    const from = Math.max(g, 2 * edge);
    [-eu, tu, g - tl, g + el].forEach((below, r) => {
      const s = [-eu / from, tu / from, 1 - tl / from, 1 + el / from][r];
      const x = ux + (lx - ux) * s - mouth.origin[0];
      const y = uy + (ly - uy) * s - mouth.origin[1];
      rows.set(
        [
          upper[2 * c] + below * nx,
          upper[2 * c + 1] + below * ny,
          r === 1 || r === 2 ? solid : 0,
          below / span,
          g / span,
          (2 * c) / (columns - 1) - 1,
          (x * across[0] + y * across[1]) / span,
          (x * down[0] + y * down[1]) / span,
        ],
        FLOATS * (r * columns + c),
      );
    });
  }
  return rows;
}

/** How much longer an edge across the line is at column `c` when measured along (nx, ny). */
function slant(line, c, nx, ny) {
  const [before, after] = [Math.max(c - 1, 0), Math.min(c + 1, line.length / 2 - 1)];
  const dx = line[2 * after] - line[2 * before];
  const dy = line[2 * after + 1] - line[2 * before + 1];
  return Math.min(Math.hypot(dx, dy) / Math.max(Math.abs(dx * ny - dy * nx), 1e-6), 4);
}

/** A smooth line through the given vertices: Catmull-Rom, `each` points per segment and the last. */
function resample(points, indices, each) {
  const last = indices.length - 1;
  const line = new Float32Array(2 * (last * each + 1));
  for (let axis = 0; axis < 2; axis++) {
    const p = (i) => {
      if (i < 0) return 2 * p(0) - p(1);
      if (i > last) return 2 * p(last) - p(last - 1);
      return points[2 * indices[i] + axis];
    };
    for (let i = 0; i < last; i++) {
      const [a, b, c, d] = [p(i - 1), p(i), p(i + 1), p(i + 2)];
      for (let k = 0; k < each; k++) {
        const t = k / each;
        line[2 * (i * each + k) + axis] =
          0.5 * (2 * b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))));
      }
    }
    line[2 * last * each + axis] = p(last);
  }
  return line;
}
