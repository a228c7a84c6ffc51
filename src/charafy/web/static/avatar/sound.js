// The sounds that a face can speak to. Each is a clock that can be started and stopped.

import { Clock, clockOf } from "./clock.js";

/**
 * @typedef {object} Sound
 * @property {Clock} clock
 * @property {() => Promise<void>} start resolves when it is to be heard
 * @property {() => void} stop
 */

/**
 * @param {HTMLMediaElement | AudioBuffer | string | URL | (() => number)} audio
 * @param {() => void} ended called when it has come to its end by itself
 * @param {AudioContext} [context] for an AudioBuffer; else it gets one of its own
 * @returns {Sound}
 */
export function soundOf(audio, ended, context) {
  if (typeof audio === "function") {
    return { clock: new Clock(audio), start: async () => {}, stop: () => {} };
  }
  if (typeof AudioBuffer !== "undefined" && audio instanceof AudioBuffer) {
    return bufferSound(audio, ended, context);
  }
  return mediaSound(audio instanceof HTMLMediaElement ? audio : new Audio(String(audio)), ended);
}

function mediaSound(media, ended) {
  media.addEventListener("ended", ended);
  return {
    clock: clockOf(media),
    start: () => media.play(),
    stop: () => {
      media.removeEventListener("ended", ended);
      media.pause();
    },
  };
}

function bufferSound(buffer, ended, given) {
  const context = given ?? new AudioContext();
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  const close = () => {
    source.disconnect();
    if (!given) context.close();
  };
  let began = NaN;
  source.onended = () => {
    close();
    ended();
  };
  // A context's time is what it has computed; the ear is a latency behind.
  const late = () => context.outputLatency || context.baseLatency || 0;
  const heard = () => Math.min(Math.max(context.currentTime - late() - began, 0), buffer.duration);
  return {
    clock: new Clock(() => (began >= 0 ? heard() : 0), () => (context.state === "running" ? 1 : 0)),
    start: async () => {
      await context.resume();
      began = context.currentTime;
      source.start();
    },
    stop: () => {
      source.onended = null;
      if (began >= 0) source.stop();
      close();
    },
  };
}
