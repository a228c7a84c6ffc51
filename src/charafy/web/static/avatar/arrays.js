// Arrays as they stand in rig files: bytes in base64, little-endian, in C order.

const TYPES = { float32: Float32Array, int16: Int16Array, uint16: Uint16Array, uint8: Uint8Array };

/**
 * @param {{dtype: string, shape: number[], data: string}} packed
 * @returns {Float32Array | Int16Array | Uint16Array | Uint8Array} flat; `packed.shape` tells the rest
 */
export function unpack(packed) {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new TYPES[packed.dtype](bytes.buffer);
}
