// The little of WebGL 2 that drawing a face takes.
//
// A face is drawn into a target of the rig's own size, in straight alpha, exactly as the server
// draws it; then it is laid over its background onto the canvas, at whatever size that has.

/** Texel coordinates count from the centre of the first texel, as everywhere in rigs. */
export const GLSL = `#version 300 es
precision highp float;
precision highp sampler2D;
vec4 at(sampler2D image, vec2 texel) {
  return textureLod(image, (texel + 0.5) / vec2(textureSize(image, 0)), 0.0);
}
`;

/** Places frame pixels on a target whose first row is the top one. */
export const PLACE = `
uniform vec2 size;
vec4 place(vec2 pixel) { return vec4((pixel + 0.5) / size * 2.0 - 1.0, 0.0, 1.0); }
`;

export class Program {
  /** @param {WebGL2RenderingContext} gl @param {string} vertex @param {string} fragment */
  constructor(gl, vertex, fragment) {
    this.gl = gl;
    this.program = gl.createProgram();
    for (const [type, code] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(type);
      gl.shaderSource(shader, GLSL + code);
      gl.compileShader(shader);
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
    if (!gl.getProgramParameter(this.program, gl.LINK_STATUS) && !gl.isContextLost()) {
      const logs = gl.getAttachedShaders(this.program).map((shader) => gl.getShaderInfoLog(shader));
      throw new Error(`shaders don't compile: ${logs.join(" ")} ${gl.getProgramInfoLog(this.program)}`);
    }
    this.places = new Map();
  }

  /**
   * Use it with these values: numbers, vectors (of 2 to 4), textures, and lists of vectors `of` so
   * many numbers.
   * @param {Record<string, number | ArrayLike<number> | {texture: WebGLTexture}
   *   | {list: Float32Array, of: number}>} values
   */
  use(values) {
    const { gl } = this;
    gl.useProgram(this.program);
    let unit = 0;
    for (const [name, value] of Object.entries(values)) {
      if (!this.places.has(name)) this.places.set(name, gl.getUniformLocation(this.program, name));
      const place = this.places.get(name);
      if (typeof value === "number") gl.uniform1f(place, value);
      else if ("list" in value) gl[`uniform${value.of}fv`](place, value.list);
      else if ("texture" in value) {
        gl.activeTexture(gl.TEXTURE0 + unit);
        gl.bindTexture(gl.TEXTURE_2D, value.texture);
        gl.uniform1i(place, unit++);
      } else gl[`uniform${value.length}fv`](place, value);
    }
  }
}

/** Triangles whose vertices change with every frame. */
export class Mesh {
  /**
   * @param {WebGL2RenderingContext} gl @param {number[]} parts floats of each attribute, in order
   * @param {Uint16Array} triangles
   */
  constructor(gl, parts, triangles) {
    this.gl = gl;
    this.count = triangles.length;
    this.array = gl.createVertexArray();
    this.buffer = gl.createBuffer();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    const stride = parts.reduce((sum, part) => sum + part, 0);
    parts.reduce((offset, part, place) => {
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, part, gl.FLOAT, false, stride * 4, offset * 4);
      return offset + part;
    }, 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, triangles, gl.STATIC_DRAW);
    gl.bindVertexArray(null);
  }

  /** @param {Float32Array} vertices interleaved */
  draw(vertices) {
    const { gl } = this;
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    gl.bufferData(gl.ARRAY_BUFFER, vertices, gl.STREAM_DRAW);
    gl.drawElements(gl.TRIANGLES, this.count, gl.UNSIGNED_SHORT, 0);
  }
}

/** @param {WebGL2RenderingContext} gl @param {TexImageSource} image in straight alpha */
export function textureOf(gl, image) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
  smooth(gl);
  return { texture };
}

/** A picture to draw into, read again as a texture. */
export class Target {
  /** @param {WebGL2RenderingContext} gl @param {number} width @param {number} height */
  constructor(gl, width, height) {
    Object.assign(this, { gl, width, height });
    this.texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    smooth(gl);
    this.frame = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.texture, 0);
  }

  /** Draw into it from here on; it begins transparent. */
  begin() {
    const { gl } = this;
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.viewport(0, 0, this.width, this.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
  }

  /** @returns {Uint8ClampedArray} its pixels, the top row first */
  read() {
    const { gl, width, height } = this;
    const pixels = new Uint8ClampedArray(width * height * 4);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.frame);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(pixels.buffer));
    return pixels;
  }

  /** Forget the smaller copies' staleness: make them anew, for a canvas smaller than this. */
  shrink() {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
  }
}

/** @param {WebGL2RenderingContext} gl */
function smooth(gl) {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}
