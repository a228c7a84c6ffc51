/** What the face does at one moment; channels that are missing are 0. */
export type Pose = Partial<Record<
  | "open" | "wide" | "round" | "upper" | "lower" | "press" | "bite" | "tongue" | "smile"
  | "speaking" | "blink_left" | "blink_right" | "gaze_x" | "gaze_y" | "brow" | "yaw" | "pitch"
  | "roll" | "shift_x" | "shift_y" | "sway" | "breath",
  number
>>;

/** A mouth shape in seconds of the sound: what the API answers as `visemes`. */
export interface Cue {
  viseme?: string;
  /** The same as `viseme`. */
  shape?: string;
  start_s: number;
  end_s: number;
  /** Loudness: how far the mouth opens, about 0.55 to 1.15. */
  weight?: number;
}

/** Ready poses at a steady rate from time 0; each row in the order of `CHANNELS` in pose.js. */
export interface PoseTrack {
  fps: number;
  rows: ArrayLike<number>[];
}

export interface Manner {
  /** Decides everything but the mouth: the same seed moves in the same way. Random by default. */
  seed?: number;
  /** How vowels look. */
  language?: "en" | "ja";
  /** 0 (only mouth and lids move) to 1.5; 1 by default. */
  liveliness?: number;
}

export interface LoadOptions extends Manner {
  canvas: HTMLCanvasElement;
  /** "keep" (the picture's own, the default), "transparent" or any CSS colour. */
  background?: string;
  /** How the picture fills a canvas of another shape; "cover" by default. */
  fit?: "cover" | "contain";
  /** What a screen reader says. */
  label?: string;
  /** "sprites" draws without WebGL even where there is WebGL. */
  renderer?: "webgl" | "sprites";
  /** The `sprites.json` for browsers without WebGL; by default the one beside the rig. */
  sprites?: string | URL;
  /** By default what the reader's system asks for, as it changes. */
  reducedMotion?: boolean;
  /** Breaks off loading. */
  signal?: AbortSignal;
}

export interface Performance extends Manner {
  /** What is to be heard, or the clock (seconds) of what is heard elsewhere. */
  audio: HTMLMediaElement | AudioBuffer | string | URL | (() => number);
  cues?: Cue[];
  /** Instead of cues. */
  poses?: PoseTrack;
  /** Plays an `AudioBuffer`; without it, the player makes one for each play. */
  context?: AudioContext;
}

export interface AvatarPlayerEventMap {
  /** The first frame is on the canvas. */
  ready: CustomEvent<null>;
  /** The sound came to its end, or was broken off by `interrupt`. */
  ended: CustomEvent<{ interrupted: boolean }>;
  /** The sound can't be played. */
  error: CustomEvent<{ error: unknown }>;
  contextlost: CustomEvent<null>;
  contextrestored: CustomEvent<null>;
}

export class AvatarPlayer extends EventTarget {
  /** Rejects when the face can't be fetched or is of another version. */
  static load(url: string | URL, options: LoadOptions): Promise<AvatarPlayer>;
  readonly canvas: HTMLCanvasElement;
  readonly renderer: "webgl" | "sprites";
  /** The sound's time in seconds; null when nothing is said. */
  readonly time: number | null;
  /** The pose that was drawn last. */
  readonly current: Required<Pose>;
  readonly speaking: boolean;
  /** Speak; what was said before is broken off. Resolves when the sound is to be heard. */
  play(performance: Performance): Promise<void>;
  /** The time of a live stream in seconds; null ends it. */
  set clock(read: (() => number) | null);
  /** More of a live stream; cues replace what was planned from their first moment on. */
  push(more: Cue[] | PoseTrack, atTime?: number): void;
  /** Be silent: the mouth settles within 150 ms. */
  interrupt(): void;
  /** Draw exactly this pose and hold it; null goes on living. */
  pose(pose: Pose | ArrayLike<number> | null): void;
  /** What was drawn last, at the rig's own size, in straight alpha. */
  snapshot(): ImageData;
  /** Stop, and let go of everything. */
  destroy(): void;
  addEventListener<K extends keyof AvatarPlayerEventMap>(
    type: K,
    listener: (event: AvatarPlayerEventMap[K]) => void,
    options?: AddEventListenerOptions,
  ): void;
}
