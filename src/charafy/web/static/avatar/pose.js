// A pose as a row of numbers, in the server's order. 0 everywhere is the picture as it was given.

/** What each number means is told beside `Pose` in the server's `engines/portrait`. */
export const CHANNELS = [
  "open", "wide", "round", "upper", "lower", "press", "bite", "tongue", "smile", "speaking",
  "blink_left", "blink_right", "gaze_x", "gaze_y", "brow",
  "yaw", "pitch", "roll", "shift_x", "shift_y", "sway", "breath",
];

/** Channels before this one belong to the mouth. */
export const MOUTH_END = CHANNELS.indexOf("blink_left");

/** Channels from this one on move the head and the body. */
export const HEAD_START = CHANNELS.indexOf("yaw");

/** The index of each channel: `AT.open` is 0. */
export const AT = Object.fromEntries(CHANNELS.map((name, index) => [name, index]));

/** @returns {Float32Array} the face at rest */
export const rest = () => new Float32Array(CHANNELS.length);

/**
 * @param {ArrayLike<number> | Record<string, number>} pose a row, or an object of some channels
 * @returns {Float32Array} a row of its own
 */
export function toRow(pose) {
  if ("length" in pose) return Float32Array.from(/** @type {ArrayLike<number>} */ (pose));
  const row = rest();
  for (const [name, value] of Object.entries(pose)) if (name in AT) row[AT[name]] = value;
  return row;
}

/** @param {ArrayLike<number>} row */
export const toObject = (row) =>
  Object.fromEntries(CHANNELS.map((name, index) => [name, row[index]]));

/**
 * Move the channels `from`..`to` of `row` towards `goal` by `part` 0..1, in place.
 * @param {Float32Array} row @param {ArrayLike<number>} goal @param {number} part
 */
export function mix(row, goal, part, from = 0, to = CHANNELS.length) {
  for (let i = from; i < to; i++) row[i] += (goal[i] - row[i]) * part;
}
