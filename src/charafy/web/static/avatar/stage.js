// Puts a face that WebGL drew in front of its background and onto the canvas.

import { Mesh, Program, Target, textureOf } from "./gl.js";

const VERTEX = `
layout(location = 0) in vec2 corner;
out vec2 spot;
void main() { spot = corner; gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0); }
`;
// Straight alpha in, premultiplied out, as canvases want it.
const LAY = `
in vec2 spot;
out vec4 color;
uniform sampler2D person, plate;
uniform vec4 paper;
uniform float keep, straight;
void main() {
  vec4 front = texture(person, spot);
  vec4 back = mix(vec4(paper.rgb * paper.a, paper.a), vec4(texture(plate, spot).rgb, 1.0), keep);
  color = vec4(front.rgb * mix(1.0, front.a, straight), front.a) + back * (1.0 - front.a);
}
`;
// The canvas's first row is its lowest. The bias keeps a smaller face crisp.
const SHOW = `
in vec2 spot;
out vec4 color;
uniform sampler2D whole;
void main() { color = texture(whole, vec2(spot.x, 1.0 - spot.y), -0.4); }
`;
const CORNERS = new Float32Array([0, 0, 1, 0, 1, 1, 0, 1]);

export class Stage {
  /**
   * @param {WebGL2RenderingContext} gl
   * @param {{width: number, height: number, textures: Record<string, ImageBitmap>}} rig
   * @param {{draw(pose: Float32Array, target: Target): void}} painter
   */
  constructor(gl, rig, painter) {
    this.gl = gl;
    gl.disable(gl.DITHER);
    this.person = new Target(gl, rig.width, rig.height);
    this.whole = new Target(gl, rig.width, rig.height);
    this.plate = textureOf(gl, rig.textures.plate ?? rig.textures.base);
    this.laying = new Program(gl, VERTEX, LAY);
    this.showing = new Program(gl, VERTEX, SHOW);
    this.quad = new Mesh(gl, [2], new Uint16Array([0, 1, 2, 0, 2, 3]));
    this.painter = painter;
  }

  /**
   * @param {Float32Array} pose
   * @param {import("./view.js").View} view
   */
  draw(pose, view) {
    const { gl, whole } = this;
    this.paint(pose, view);
    if (view.width < whole.width) whole.shrink();
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.viewport(view.x, view.y, view.width, view.height);
    this.showing.use({ whole });
    this.quad.draw(CORNERS);
  }

  /**
   * One pose at the rig's own size.
   * @param {Float32Array} pose @param {import("./view.js").View} view
   * @returns {ImageData} in straight alpha
   */
  snapshot(pose, view) {
    this.paint(pose, view);
    const { width, height } = this.person;
    return new ImageData(straightened(this.whole.read()), width, height);
  }

  paint(pose, { keep, paper }) {
    const { gl, person, plate } = this;
    gl.disable(gl.BLEND);
    this.painter.draw(pose, person);
    gl.disable(gl.BLEND);
    this.whole.begin();
    const straight = this.painter.premultiplied ? 0 : 1;
    this.laying.use({ person, plate, paper, keep: keep ? 1 : 0, straight });
    this.quad.draw(CORNERS);
  }

  dispose() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** @param {Uint8ClampedArray} pixels premultiplied; changed in place */
function straightened(pixels) {
  for (let i = 0; i < pixels.length; i += 4) {
    const alpha = pixels[i + 3];
    if (alpha === 0 || alpha === 255) continue;
    for (let k = i; k < i + 3; k++) pixels[k] = (pixels[k] * 255) / alpha;
  }
  return pixels;
}
