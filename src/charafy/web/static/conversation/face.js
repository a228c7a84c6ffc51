// Moves an AvatarPlayer by what a conversation says.
//
//   const leave = moveFace(conversation, player);

import { clock } from "./speech.js";

/** After the last sound the mouth closes; then the player needs no clock. */
const REST_S = 0.6;

/**
 * @param {import("./charafy-conversation.d.ts").CharafyConversation} conversation
 * @param {import("../avatar/avatar-player.d.ts").AvatarPlayer} player
 * @returns {() => void} lets go of the face
 */
export function moveFace(conversation, player) {
  const leaving = new AbortController();
  const { signal } = leaving;
  let resting;
  let live = false;

  function rest() {
    live = false;
    player.clock = null;
  }

  function speak({ detail: { cues, at, start_s, duration_s } }) {
    clearTimeout(resting);
    if (!live) player.clock = clock;
    live = true;
    player.push(cues, at);
    resting = setTimeout(rest, (at + start_s + duration_s + REST_S - clock()) * 1000);
  }

  function hush() {
    if (live) player.interrupt();
  }

  conversation.addEventListener("speech", speak, { signal });
  conversation.addEventListener("hush", hush, { signal });
  conversation.addEventListener("ended", hush, { signal });
  return () => {
    leaving.abort();
    clearTimeout(resting);
    if (live) rest();
  };
}
