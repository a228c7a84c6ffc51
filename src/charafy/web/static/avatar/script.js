// What a face says: cues or poses by the time of their sound.

import { mix, rest, toRow } from "./pose.js";
import { createTrack } from "./track.js";

/** Seconds that stay known behind the time, for sounds that colour their neighbours. */
const MEMORY_S = 8;
/** Over how long a changed plan of a live stream is blended in. */
const BLEND_S = 0.12;

/**
 * @typedef {{viseme: string, start_s: number, end_s: number}} Cue
 * @typedef {{fps: number, rows: ArrayLike<number>[], channels?: string[]}} PoseTrack
 * @typedef {{seed?: number, language?: "en" | "ja", liveliness?: number}} Manner
 */

/**
 * @param {Cue[]} cues @param {Manner} manner
 * @returns {(time: number) => Float32Array}
 */
export function scriptOfCues(cues, manner) {
  const track = createTrack(cues, manner);
  return (time) => toRow(track.poseAt(time));
}

/**
 * Poses at a steady rate from time 0, read between two of them.
 * @param {PoseTrack} track
 * @returns {(time: number) => Float32Array}
 */
export function scriptOfPoses({ fps, rows }) {
  return (time) => {
    const place = Math.min(Math.max(time * fps, 0), rows.length - 1);
    const first = Math.floor(place);
    const row = toRow(rows[first] ?? rest());
    if (first + 1 < rows.length) mix(row, rows[first + 1], place - first);
    return row;
  };
}

/** A script that grows while it is played. */
export class LiveScript {
  /** @param {Manner} manner */
  constructor(manner) {
    this.manner = manner;
    /** @type {Cue[]} */
    this.cues = [];
    /** @type {{from: number, until: number, at: (time: number) => Float32Array}[]} */
    this.stretches = [];
    this.plan = scriptOfCues([], manner);
    this.last = rest();
    this.changed = -Infinity;
  }

  /** @param {Cue[]} cues @param {number} at when their time 0 is on the clock @param {number} now */
  pushCues(cues, at, now) {
    const moved = cues.map((cue) => ({ ...cue, start_s: cue.start_s + at, end_s: cue.end_s + at }));
    const from = moved[0]?.start_s ?? Infinity;
    // What comes anew replaces what was planned for the same time.
    const kept = this.cues.filter((cue) => cue.end_s > now - MEMORY_S && cue.start_s < from);
    this.change(now, [...kept, ...moved], this.stretches);
  }

  /** @param {PoseTrack} track @param {number} at @param {number} now */
  pushPoses(track, at, now) {
    const script = scriptOfPoses(track);
    const kept = this.stretches.filter(({ until }) => until > now - MEMORY_S);
    const until = at + track.rows.length / track.fps;
    this.change(now, this.cues, [...kept, { from: at, until, at: (time) => script(time - at) }]);
  }

  /** Forget what was still to be said. @param {number} now */
  clear(now) {
    this.change(now, [], []);
  }

  change(now, cues, stretches) {
    this.last = this.poseAt(now);
    this.changed = now;
    if (cues !== this.cues) this.plan = scriptOfCues(cues, this.manner);
    Object.assign(this, { cues, stretches });
  }

  /** @param {number} time */
  poseAt(time) {
    const stretch = this.stretches.findLast(({ from, until }) => from <= time && time < until);
    const row = (stretch?.at ?? this.plan)(time);
    const part = (time - this.changed) / BLEND_S;
    if (part >= 0 && part < 1) mix(row, this.last, 1 - part);
    return row;
  }
}
