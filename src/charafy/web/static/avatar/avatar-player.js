// The face in the browser: draws a rig as the server does, by the clock of the sound.
//
//   const player = await AvatarPlayer.load("/rigs/emma/rig.json", { canvas });
//   await player.play({ audio: "/hello.mp3", cues });

import { Actor } from "./actor.js";
import { Clock } from "./clock.js";
import { toObject, toRow } from "./pose.js";
import { loadRig } from "./rig.js";
import { LiveScript, scriptOfCues, scriptOfPoses } from "./script.js";
import { soundOf } from "./sound.js";
import { viewOf, whenSizeChanges } from "./view.js";

const WEBGL = { antialias: false, depth: false, powerPreference: "low-power" };
const IDLE_FRAME_S = 1 / 31;
/** What draws each kind of face; only the one that is needed is fetched. */
const STAGES = {
  photo: () => import("./photo.js"),
  drawing: () => import("./drawing.js"),
  sprites: () => import("./sprites.js"),
};

/** @typedef {import("./view.js").View} View */

export class AvatarPlayer extends EventTarget {
  /**
   * @param {string | URL} url of a `rig.json`, or of a `sprites.json`
   * @param {import("./avatar-player.d.ts").LoadOptions} options
   * @returns {Promise<AvatarPlayer>} at rest, its first frame drawn
   */
  static async load(url, options) {
    let rig = await loadRig(url, options.signal);
    let gl = null;
    if (rig.kind !== "sprites") {
      gl = options.renderer === "sprites" ? null : options.canvas.getContext("webgl2", WEBGL);
    }
    if (rig.kind !== "sprites" && !gl) {
      const beside = new URL("sprites.json", new URL(url, document.baseURI));
      rig = await loadRig(options.sprites ?? beside, options.signal);
    }
    const { makeStage } = await STAGES[rig.kind]();
    options.signal?.throwIfAborted();
    return new AvatarPlayer(rig, () => makeStage(gl ?? options.canvas, rig), options);
  }

  /** Use `load`. */
  constructor(rig, makeStage, { canvas, background = "keep", fit = "cover", label, ...manner }) {
    super();
    Object.assign(this, { canvas, rig, makeStage, background, fit });
    this.manner = { seed: manner.seed ?? Math.floor(Math.random() * 2 ** 31), language: manner.language };
    this.leaving = new AbortController();
    this.stage = this.makeStage();
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.reduced = manner.reducedMotion ?? this.calm.matches;
    this.actor = new Actor(this.way());
    this.still = null;
    this.row = toRow({});
    this.drawn = -Infinity;
    this.seen = true;
    canvas.setAttribute("role", "img");
    if (label) canvas.setAttribute("aria-label", label);
    else if (!canvas.hasAttribute("aria-label")) canvas.setAttribute("aria-label", "Avatar");
    this.listen(manner.reducedMotion === undefined);
    this.resize();
    this.draw(now());
    requestAnimationFrame(() => this.leaving.signal.aborted || this.tell("ready"));
    this.wake();
  }

  /** "webgl" or "sprites". */
  get renderer() {
    return this.rig.kind === "sprites" ? "sprites" : "webgl";
  }

  /** The sound's time in seconds, null when nothing is said. */
  get time() {
    return this.actor.time;
  }

  /** The pose that was drawn last, by channel. */
  get current() {
    return toObject(this.row);
  }

  /** Whether the sound is going on. */
  get speaking() {
    return Boolean(this.actor.clock?.running);
  }

  /**
   * Speak. What was said before is broken off.
   * @param {import("./avatar-player.d.ts").Performance} performance
   * @returns {Promise<void>} when the sound is to be heard; rejects when it can't be played
   */
  async play({ audio, cues, poses, context, ...manner }) {
    this.stop();
    this.still = null;
    const script = poses ? scriptOfPoses(poses) : scriptOfCues(cues ?? [], this.way(manner));
    const sound = soundOf(audio, () => this.sound === sound && this.finish(false), context);
    this.sound = sound;
    this.actor.perform(script, sound.clock);
    this.wake();
    try {
      await sound.start();
    } catch (error) {
      if (this.sound !== sound) return; // broken off before it began
      this.stop();
      this.tell("error", { error });
      throw error;
    }
  }

  /** The time of a live stream, in seconds; `push` is told when things happen on it. */
  set clock(read) {
    this.stop();
    this.still = null;
    this.live = read ? new LiveScript(this.way()) : null;
    if (read) this.actor.perform((time) => this.live.poseAt(time), new Clock(read));
    this.wake();
  }

  /**
   * More of a live stream; what was planned from its first moment on is replaced.
   * @param {import("./script.js").Cue[] | import("./script.js").PoseTrack} more
   * @param {number} atTime when its time 0 is on `clock`
   */
  push(more, atTime = 0) {
    if (!this.live) throw new Error("set player.clock before pushing");
    const time = this.actor.time ?? 0;
    if (Array.isArray(more)) this.live.pushCues(more, atTime, time);
    else this.live.pushPoses(more, atTime, time);
    this.wake();
  }

  /** Be silent: the mouth settles within 150 ms. A live stream goes on with the next `push`. */
  interrupt() {
    if (this.live) this.live.clear(this.actor.time ?? 0);
    else if (this.sound) this.finish(true);
  }

  /**
   * Draw exactly this pose and hold it; `null` goes on living.
   * @param {ArrayLike<number> | Record<string, number> | null} pose
   */
  pose(pose) {
    this.still = pose && toRow(pose);
    if (pose) this.draw(now());
    else this.wake();
  }

  /** @returns {ImageData} what was drawn last, at the rig's own size, in straight alpha */
  snapshot() {
    return this.stage.snapshot(this.row, this.view);
  }

  /** Stop, and let go of everything. */
  destroy() {
    this.stop();
    this.leaving.abort();
    cancelAnimationFrame(this.frame);
    this.stage.dispose();
    Object.values(this.rig.textures).forEach((picture) => picture.close());
  }

  // Inside

  way(manner = {}) {
    return { ...this.manner, ...manner, ...(this.reduced && { liveliness: 0 }) };
  }

  listen(followsSystem) {
    const { signal } = this.leaving;
    const { canvas } = this;
    whenSizeChanges(canvas, signal, () => this.resize());
    document.addEventListener("visibilitychange", () => this.wake(), { signal });
    const watch = new IntersectionObserver(([entry]) => {
      this.seen = entry.isIntersecting;
      this.wake();
    });
    watch.observe(canvas);
    signal.addEventListener("abort", () => watch.disconnect());
    if (followsSystem) this.calm.addEventListener("change", () => this.calmDown(), { signal });
    canvas.addEventListener("webglcontextlost", (event) => this.lose(event), { signal });
    canvas.addEventListener("webglcontextrestored", () => this.restore(), { signal });
  }

  calmDown() {
    this.reduced = this.calm.matches;
    this.actor.behave(this.way());
  }

  lose(event) {
    event.preventDefault(); // asks for it to be restored
    this.lost = true;
    this.tell("contextlost");
  }

  restore() {
    this.lost = false;
    this.stage = this.makeStage();
    this.draw(now());
    this.tell("contextrestored");
    this.wake();
  }

  resize() {
    this.view = viewOf(this.canvas, this.rig, this.fit, this.background);
    this.draw(now());
  }

  /** Go on drawing if there is anyone to see it. */
  wake() {
    cancelAnimationFrame(this.frame);
    if (this.leaving.signal.aborted || this.lost || !this.seen || document.hidden) return;
    this.frame = requestAnimationFrame(() => {
      const time = now();
      if (this.actor.busy || time - this.drawn >= IDLE_FRAME_S) this.draw(time);
      if (!this.still) this.wake();
    });
  }

  draw(time) {
    if (this.lost || this.leaving.signal.aborted) return;
    this.drawn = time;
    this.row = this.still ?? this.actor.poseAt(time);
    this.stage.draw(this.row, this.view);
  }

  stop() {
    this.sound?.stop();
    this.sound = null;
    this.live = null;
    this.actor.release();
  }

  finish(interrupted) {
    this.stop();
    this.tell("ended", { interrupted });
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

const now = () => performance.now() / 1000;
