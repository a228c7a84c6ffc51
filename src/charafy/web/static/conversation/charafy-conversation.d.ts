import type { AvatarPlayer, Cue } from "../avatar/avatar-player.d.ts";

export interface ConversationOptions {
  /** Of `POST /api/v1/conversation/token`; opens one conversation. */
  token: string;
  /** Its `connect_url`. */
  connectUrl: string | URL;
  /** Its `livekit_url`: where there is one, LiveKit carries the conversation, and its client is loaded. */
  livekitUrl?: string | null;
  /** Its `ice_servers`. */
  iceServers?: RTCIceServer[];
  /** Where the character is heard; by default one that isn't on the page. */
  audioElement?: HTMLAudioElement;
  /** Where the face is seen with `render: "server"`. */
  videoElement?: HTMLVideoElement;
  /** Who draws the face; "client" by default: move an AvatarPlayer with `moveFace`. Over LiveKit the
   * token's `mode` decides: the server draws with "video". */
  render?: "client" | "server";
  /** false: the visitor only writes, and no microphone is asked for. */
  microphone?: boolean;
}

export type State =
  | "idle" | "connecting" | "listening" | "thinking" | "speaking" | "reconnecting" | "ended";

export type Reason =
  | "hang_up" | "limit" | "idle" | "disconnected" | "failed" | "node_lost" | "credits" | "deleted"
  | (string & {});

/** Who is there, as the server says it. */
export interface About {
  version: string;
  conversation_id: string;
  mode: "audio-only" | "video";
  render: "client" | "server";
  character: { name: string; language: "en" | "ja" };
  limit_s: number;
  /** Opened with a test key: a scripted engine answers with what it was told. */
  is_test: boolean;
}

/** A piece of a reply; its times are seconds from the reply's first sample. */
export interface SpeechPiece {
  reply: string;
  start_s: number;
  duration_s: number;
  text: string;
  /** Text, start and end of each word. */
  words: [string, number, number][];
  /** For `AvatarPlayer.push(cues, at)`. */
  cues: Cue[];
  /** When the reply's first sample is heard: seconds on `performance.now() / 1000`. */
  at: number;
}

export interface ConversationEventMap {
  state: CustomEvent<{ state: State }>;
  /** The character is there; again after each reconnection. */
  ready: CustomEvent<About>;
  /** What was said. Of the user: replaced by the next until it is final. Of the character: a clause,
   * as it begins to be heard. */
  caption: CustomEvent<{ who: "user" | "character"; text: string; final: boolean; reply: string | null }>;
  /** A word of the character, as it is heard. */
  word: CustomEvent<{ reply: string; text: string }>;
  user: CustomEvent<{ speaking: boolean }>;
  character: CustomEvent<{ speaking: boolean; reply: string }>;
  speech: CustomEvent<SpeechPiece>;
  /** The character fell silent before its words were over; what is left may come again as `speech`. */
  hush: CustomEvent<{ reply: string | null; ended: boolean }>;
  speechended: CustomEvent<{ reply: string; heard: string; interrupted: boolean }>;
  /** When each stage was reached, in seconds from the end of the user's words (recognised,
   * committed, thought, spoken, audible), and what the way here adds. */
  latency: CustomEvent<{
    turn: number;
    stages: Record<string, number>;
    playout_s: number;
    round_trip_s: number;
  }>;
  /** The server has what `sendText`, `say` or `setName` answered with this id; until then it is sent again. */
  received: CustomEvent<{ id: string }>;
  limit: CustomEvent<{ remaining_s: number }>;
  videostopped: CustomEvent<{ reason: string }>;
  /** `code`: of the server, or connection_lost, playback_blocked, microphone_...; after a fatal one
   * comes `ended`. */
  error: CustomEvent<{ code: string; message: string; fatal: boolean; cause?: unknown }>;
  ended: CustomEvent<{ reason: Reason }>;
}

/** `code`: insecure_context, microphone_blocked, microphone_missing, microphone_busy,
 * microphone_failed, unreachable, no_route, silent, closed, used, invalid_token, or the API's own. */
export class ConversationError extends Error {
  readonly code: string;
  /** Of the HTTP answer, where there was one. */
  readonly status?: number;
  /** Seconds after which it may go better; undefined when trying again is no use. */
  readonly retryAfter?: number;
}

export class CharafyConversation extends EventTarget {
  constructor(options: ConversationOptions);
  readonly state: State;
  readonly muted: boolean;
  /** Null before `ready`. */
  readonly about: About | null;
  /** Seconds that sound waits in this browser, and of a message's way to the server and back. */
  readonly network: { playout_s: number; round_trip_s: number };
  /** Open the microphone and connect, after a click. Rejects with a `ConversationError`. */
  connect(): Promise<About>;
  /** Hang up. */
  close(): Promise<void>;
  mute(on: boolean): void;
  /** Listen only while `hold(true)`. */
  pushToTalk(on: boolean): void;
  hold(on: boolean): void;
  /** Say something by keyboard. Answers the id that `received` will name. */
  sendText(content: string): string;
  /** Have the character say exactly this. */
  say(text: string): string;
  /** Have the character stop. */
  interrupt(): void;
  /** What the character calls the visitor. */
  setName(name: string): string;
  addEventListener<K extends keyof ConversationEventMap>(
    type: K,
    listener: (event: ConversationEventMap[K]) => void,
    options?: AddEventListenerOptions,
  ): void;
}

/** Move a face by what the character says. Answers what lets go of it again. */
export function moveFace(conversation: CharafyConversation, player: AvatarPlayer): () => void;
