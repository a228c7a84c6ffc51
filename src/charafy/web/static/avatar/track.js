// What the face does while it speaks and while it doesn't, as a function of time alone.
//
// The same as the server's `engines/portrait/motion`, number for number: see there for reasons and
// sources. Nothing is carried from frame to frame, so any moment can be asked for in any order.

const SHAPES = [
  "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou",
];
const VOWELS = ["aa", "E", "ih", "oh", "ou"];

// open, wide, round, upper, lower, tongue
const ENGLISH = {
  sil: [0, 0, 0, 0, 0, 0], PP: [0.06, 0.04, 0, 0, 0, 0], FF: [0.08, 0.1, 0, 0.22, 0, 0],
  TH: [0.18, 0.1, 0, 0.2, 0.3, 1], DD: [0.15, 0.14, 0, 0.24, 0.3, 0.9],
  kk: [0.22, 0.08, 0, 0.18, 0.22, 0.2], CH: [0.13, -0.1, 0.55, 0.42, 0.45, 0.5],
  SS: [0.07, 0.3, 0, 0.32, 0.5, 0.6], nn: [0.15, 0.12, 0, 0.2, 0.25, 0.9],
  RR: [0.17, -0.1, 0.45, 0.2, 0.25, 0.3], aa: [0.86, 0.08, 0, 0.33, 0.3, 0],
  E: [0.46, 0.36, 0, 0.34, 0.34, 0.15], ih: [0.24, 0.55, 0, 0.3, 0.38, 0.35],
  oh: [0.52, -0.1, 0.6, 0.15, 0.2, 0], ou: [0.23, -0.2, 0.95, 0.1, 0.15, 0],
};
const JAPANESE = {
  ...ENGLISH, CH: [0.13, 0.05, 0.25, 0.36, 0.42, 0.5], RR: [0.17, 0.05, 0.05, 0.2, 0.25, 0.7],
  aa: [0.78, 0.1, 0, 0.3, 0.3, 0], E: [0.42, 0.38, 0, 0.32, 0.34, 0.15],
  ih: [0.2, 0.58, 0, 0.3, 0.38, 0.35], oh: [0.48, -0.05, 0.5, 0.14, 0.2, 0],
  ou: [0.18, -0.06, 0.52, 0.12, 0.18, 0],
};
// How firmly each holds the jaw and the lips' width.
const STRENGTHS = {
  sil: [1.2, 0.8], PP: [1.4, 0.4], FF: [1.4, 0.6], TH: [1.3, 0.5], DD: [0.9, 0.3], kk: [0.5, 0.2],
  CH: [1.3, 1.6], SS: [1.8, 0.8], nn: [0.9, 0.3], RR: [0.8, 1], aa: [1.3, 0.8], E: [1, 1],
  ih: [1, 1.1], oh: [1.2, 1.6], ou: [1.3, 2.2],
};

const LEAD_S = 0.03, RISE_S = 0.1, FALL_S = 0.09, RELAX_S = 0.2, ONSET_S = 0.07, INSET_S = 0.025;
const LIPS = 1.4, REACH_S = RELAX_S * LIPS;
const CLOSED_S = 0.046, CLOSING_S = 0.07, CLOSURE_LEAD_S = 0.015;
const JOIN_S = 0.08, PAUSE_S = 0.12;
const ACCENT_REACH_S = 0.6, ACCENT_LEAST_S = 0.06, ACCENT_SPAN_S = 0.14;
const YAW = [[0.113, 0.05], [0.271, 0.034], [0.639, 0.012]];
const PITCH = [[0.097, 0.018], [0.313, 0.016], [0.787, 0.007]];
const ROLL = [[0.089, 0.024], [0.229, 0.015], [0.571, 0.005]];
const LAGS = [[0.08, 0.3], [0.16, 0.35], [0.26, 0.25], [0.4, 0.15], [0.58, -0.05]];

const GOLDEN = 0x9e3779b1;

/** @param {number} value a 32-bit number, scrambled by MurmurHash3's finaliser */
function scrambled(value) {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

/** A number in [0, 1) for a whole number. */
function unit(seed, stream, index) {
  const key = scrambled((seed + Math.imul(stream + 1, GOLDEN)) | 0);
  return (scrambled((Math.imul(index, GOLDEN) + key) | 0) >>> 0) / 2 ** 32;
}

const chanceAt = (seed, stream, when) => unit(seed, stream, Math.floor(when * 1000 + 0.5));

const clip = (x, low, high) => Math.min(Math.max(x, low), high);

function eased(x) {
  x = clip(x, 0, 1);
  return x * x * (3 - 2 * x);
}

function wander(seed, stream, x) {
  const whole = Math.floor(x), f = x - whole;
  const here = unit(seed, stream, whole);
  const blend = f * f * f * (f * (6 * f - 15) + 10);
  return 2 * (here + (unit(seed, stream, whole + 1) - here) * blend) - 1;
}

const drift = (seed, stream, t, waves) =>
  waves.reduce((sum, [hertz, share], i) => sum + share * wander(seed, stream + i, t * hertz), 0);

const pulse = (since, rise, fall) => eased(1 + since / rise) * eased(1 - since / fall);

/** The first place in `sorted` whose value is above `x`, or not below it. */
function place(sorted, x, above) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (above ? sorted[middle] <= x : sorted[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function nearest(events, t) {
  const right = place(events, t, false);
  const before = events[right - 1] ?? -Infinity, after = events[right] ?? Infinity;
  return t - before <= after - t ? before : after;
}

/** The two events before and the two after. */
function* around(events, t) {
  const right = place(events, t, true);
  for (let i = right - 2; i < right + 2; i++) if (events[i] !== undefined) yield i;
}

/** @returns {Sound[]} no gaps, no overlaps, rest before the first and after the last */
function covering(cues) {
  const rows = cues.map((cue) => ({
    shape: cue.shape ?? cue.viseme,
    start: cue.start_s,
    end: cue.end_s,
    weight: clip(cue.weight ?? 1, 0, 1.5),
  })).sort((a, b) => a.start - b.start);
  /** @typedef {{shape: string, start: number, end: number, weight: number}} Sound */
  const out = [{ shape: "sil", start: -Infinity, end: -Infinity, weight: 1 }];
  for (const { shape, start, end, weight } of rows) {
    if (!SHAPES.includes(shape)) throw new RangeError(`${shape} is not a mouth shape`);
    if (![start, end, weight].every(Number.isFinite)) throw new RangeError("cues must be finite");
    const last = out.at(-1), at = last.end;
    if (end <= Math.max(start, at)) continue;
    if (last.shape === "sil" || start - at < JOIN_S) last.end = Math.max(start, at);
    else out.push({ shape: "sil", start: at, end: start, weight: 1 });
    if (shape === "sil" && out.at(-1).shape === "sil") out.at(-1).end = end;
    else out.push({ shape, start: Math.max(start, at), end, weight });
  }
  if (out.at(-1).shape !== "sil") {
    out.push({ shape: "sil", start: out.at(-1).end, end: Infinity, weight: 1 });
  }
  out.at(-1).end = Infinity;
  return out;
}

function accentsOf(sounds) {
  const vowels = sounds.filter(({ shape }) => VOWELS.includes(shape)).map((v) => {
    const at = (v.start + v.end) / 2, stress = 0.85 + 0.3 * chanceAt(0, 300, at);
    return { at, power: Math.min(v.end - v.start, 0.35) * v.weight * stress };
  });
  const stands = vowels.filter(({ at, power }, i) => {
    if (power <= ACCENT_LEAST_S) return false;
    for (let step = 1; step < 9; step++) {
      const before = vowels[i - step], after = vowels[i + step];
      if (before && at - before.at < ACCENT_REACH_S && power <= before.power) return false;
      if (after && after.at - at < ACCENT_REACH_S && power < after.power) return false;
    }
    return true;
  });
  return {
    accents: stands.map(({ at }) => at),
    strengths: stands.map(({ power }) => clip((power - ACCENT_LEAST_S) / ACCENT_SPAN_S, 0, 1)),
  };
}

/** What is said when, prepared for reading at any time. */
function scoreOf(cues) {
  const sounds = covering(cues);
  sounds.forEach((sound, i) => {
    const next = sounds[i + 1];
    sound.relaxes = next?.shape === "sil" && next.end - next.start >= RELAX_S;
  });
  const rests = sounds.filter((s) => s.shape === "sil" && s.end - s.start >= PAUSE_S);
  const phraseStarts = rests.slice(0, -1).map(({ end }) => end);
  const phraseEnds = rests.slice(1).map(({ start }) => start);
  return {
    sounds,
    starts: sounds.map(({ start }) => start),
    ends: sounds.map(({ end }) => end),
    phraseStarts,
    phraseEnds,
    breaths: phraseStarts.filter((start, i) => start - (phraseEnds[i - 1] ?? -Infinity) >= 0.4),
    ...accentsOf(sounds),
  };
}

function dominance({ shape, start, end, relaxes }, at, wider) {
  const rise = (shape === "sil" ? ONSET_S : RISE_S) * wider;
  const fall = (shape === "sil" ? ONSET_S : relaxes ? RELAX_S : FALL_S) * wider;
  const inset = Math.min(0.25 * (end - start), INSET_S);
  const x = clip(Math.max((start + inset - at) / rise, (at - end + inset) / fall), 0, 1);
  return (1 - x * x) ** 3;
}

/** 0 apart .. 1 touching. */
function contact({ start, end }, t) {
  const missing = Math.max(CLOSED_S - (end - start), 0) / 2;
  const away = Math.max(start - missing - t - CLOSURE_LEAD_S, t + CLOSURE_LEAD_S - end - missing);
  return eased(1 - away / CLOSING_S);
}

function mouth(score, table, t) {
  const at = t + LEAD_S;
  const sums = [0, 0, 0, 0, 0, 0];
  let jaws = 0, lips = 0, apart = 1, unbitten = 1;
  const last = place(score.starts, at + REACH_S, false);
  for (let i = place(score.ends, at - REACH_S, true); i < last; i++) {
    const sound = score.sounds[i], aim = table[sound.shape], [firm, wide] = STRENGTHS[sound.shape];
    const jaw = dominance(sound, at, 1) * firm, lip = dominance(sound, at, LIPS) * wide;
    const loud = sound.weight, bare = 0.4 + 0.6 * loud;
    jaws += jaw;
    lips += lip;
    sums[0] += jaw * aim[0] * loud;
    sums[1] += lip * aim[1];
    sums[2] += lip * aim[2];
    sums[3] += jaw * aim[3] * bare;
    sums[4] += jaw * aim[4] * bare;
    sums[5] += jaw * aim[5];
    if (sound.shape === "PP") apart *= 1 - contact(sound, t);
    if (sound.shape === "FF") unbitten *= 1 - contact(sound, t);
  }
  const press = 1 - apart, bite = (1 - unbitten) * apart, free = apart * (1 - bite);
  return {
    open: (sums[0] / jaws) * free + 0.05 * bite,
    wide: (sums[1] / lips) * (1 - 0.5 * press),
    round: (sums[2] / lips) * (1 - 0.3 * bite),
    upper: (sums[3] / jaws) * apart * (1 - 0.3 * bite),
    lower: (sums[4] / jaws) * free,
    press,
    bite,
    tongue: (sums[5] / jaws) * free,
  };
}

function speaking(score, t, lead, trail) {
  const right = place(score.phraseStarts, t, true);
  const after = eased(1 - (t - (score.phraseEnds[right - 1] ?? -Infinity)) / trail);
  const before = eased(1 - ((score.phraseStarts[right] ?? Infinity) - t) / lead);
  return 1 - (1 - after) * (1 - before);
}

function lid(since) {
  const opening = clip((since - 0.135) / 0.18, 0, 1);
  return eased(since / 0.09) * (1 - eased(opening * (1.5 - 0.5 * opening)));
}

function blink(score, seed, t) {
  const slot = Math.floor(t / 4);
  let shut = 0;
  for (let index = slot - 1; index <= slot + 1; index++) {
    let when = (index + 0.5) * 4 + (2 * unit(seed, 100, index) - 1);
    const end = nearest(score.phraseEnds, when);
    if (Math.abs(end - when) < 0.8) when = end + 0.05;
    shut = Math.max(shut, lid(t - when));
    if (unit(seed, 101, index) < 0.12) shut = Math.max(shut, lid(t - when - 0.38));
  }
  return shut;
}

/** Where the eyes rest in a slot: in every other one at the viewer. */
function target(seed, slot) {
  if (Math.abs(slot % 2) !== 1 || unit(seed, 102, slot) >= 0.5) return [0, 0];
  const side = 2 * unit(seed, 103, slot) - 1;
  const height = 0.22 * (2 * unit(seed, 104, slot) - 1) - 0.04;
  return [Math.sign(side) * (0.12 + 0.26 * Math.abs(side)), height];
}

function gaze(seed, t) {
  const slot = Math.floor(t / 1.3);
  let [x, y] = target(seed, slot - 1);
  for (const index of [slot, slot + 1]) {
    const when = index * 1.3 + (2 * unit(seed, 105, index) - 1) * 0.35;
    const moved = eased((t - when) / 0.055), [toX, toY] = target(seed, index);
    x += (toX - x) * moved;
    y += (toY - y) * moved;
  }
  return [x + 0.02 * wander(seed, 106, t * 0.7), y + 0.015 * wander(seed, 126, t * 0.6)];
}

function brow(score, seed, t) {
  let raised = 0.08 * wander(seed, 107, t * 0.23);
  for (const i of around(score.accents, t)) {
    const chance = chanceAt(seed, 108, score.accents[i]);
    const height = chance < 0.5 ? (0.15 + 0.7 * chance) * score.strengths[i] : 0;
    raised += height * pulse(t - score.accents[i], 0.18, 0.5);
  }
  for (const i of around(score.phraseStarts, t)) {
    const chance = chanceAt(seed, 109, score.phraseStarts[i]);
    const height = chance < 0.6 ? 0.12 + 0.3 * chance : 0;
    raised += height * pulse(t - score.phraseStarts[i] - 0.1, 0.25, 0.7);
  }
  return clip(raised, -1, 1);
}

const vigour = (score, t) => 0.45 + 0.55 * speaking(score, t, 0.6, 1.4);
const yawAt = (score, seed, t) => drift(seed, 200, t, YAW) * vigour(score, t);

function pitchAt(score, seed, t) {
  let nodded = drift(seed, 210, t, PITCH) * vigour(score, t);
  for (const i of around(score.accents, t)) {
    const chance = chanceAt(seed, 230, score.accents[i]);
    const depth = chance < 0.65 ? (0.014 + 0.036 * chance) * score.strengths[i] : 0;
    nodded += depth * pulse(t - score.accents[i] - 0.04, 0.2, 0.42);
  }
  return nodded;
}

function inhalation(score, seed, index) {
  const when = index * 4.1 + (2 * unit(seed, 240, index) - 1) * 0.5;
  const phrase = nearest(score.breaths, when + 0.5) - 0.5;
  const snapped = Math.abs(phrase - when) < 1;
  return { index, when: snapped ? phrase : when, snapped };
}

function breathAt(score, seed, t) {
  const slot = Math.floor(t / 4.1);
  let begun = inhalation(score, seed, slot - 2), end = Infinity;
  for (let index = slot - 1; index <= slot + 2; index++) {
    const next = inhalation(score, seed, index);
    if (next.when <= t) begun = next;
    else end = Math.min(end, next.when);
  }
  const since = t - begun.when, length = end - begun.when;
  const rise = begun.snapped ? 0.5 : 0.4 * length;
  const full = eased(since / rise) * (1 - eased((since - rise) / (length - rise)));
  return full * (0.72 + 0.28 * unit(seed, 241, begun.index));
}

/**
 * The face speaking `cues`.
 * @param {{shape?: string, viseme?: string, start_s: number, end_s: number, weight?: number}[]} cues
 * @param {{seed?: number, language?: "en" | "ja", liveliness?: number}} [manner] `seed` decides
 *   everything but the mouth; `liveliness` 0..1.5: at 0 (reduced motion) only mouth and lids move
 * @returns {{poseAt(t: number): Float64Array}} rows in the order of `CHANNELS` in pose.js
 */
export function createTrack(cues, { seed = 0, language = "en", liveliness = 1 } = {}) {
  const score = scoreOf(cues);
  const table = language === "ja" ? JAPANESE : ENGLISH;
  return {
    poseAt(t) {
      const m = mouth(score, table, t), shut = blink(score, seed, t), [x, y] = gaze(seed, t);
      const talking = speaking(score, t, 0.25, 0.45);
      const free = yawAt(score, seed, t), yaw = liveliness * free;
      const pitch = liveliness * pitchAt(score, seed, t), breath = breathAt(score, seed, t);
      const hair = LAGS.reduce((sum, [lag, part]) => sum + part * yawAt(score, seed, t - lag), 0);
      return Float64Array.of(
        m.open, m.wide, m.round, m.upper, m.lower, m.press, m.bite, m.tongue,
        0.05 * (1 - talking), talking, shut, shut,
        clip(x * liveliness - 1.2 * yaw, -1, 1), clip(y * liveliness - 1.2 * pitch, -1, 1),
        clip(liveliness * brow(score, seed, t), -1, 1),
        yaw, pitch, liveliness * drift(seed, 220, t, ROLL) * vigour(score, t),
        0.35 * yaw, 0.12 * pitch - 0.006 * liveliness * breath,
        liveliness * 3 * (hair - free), Math.min(liveliness, 1) * breath,
      );
    },
  };
}
