"""The face of a conversation: what the player is told when a peer speaks."""

from __future__ import annotations

from tests.support.chromium import Tab
from tests.support.conversing import ConversationPeer

WATCH = """async () => {
  const { moveFace } = await import("/static/conversation/charafy-conversation.js");
  window.did = [];
  const player = {
    set clock(read) { did.push(["clock", Boolean(read)]); },
    push(cues, at) { did.push(["push", cues.map(({ viseme }) => viseme), at]); },
    interrupt() { did.push(["interrupt"]); },
  };
  window.leave = moveFace(talk, player);
  await talk.connect();
}"""


def test_a_reply_starts_the_clock_pushes_its_shapes_and_lets_go(
    tab: Tab, peer: ConversationPeer
) -> None:
    tab.evaluate(WATCH)
    piece = {"reply": "r1", "text": "", "words": []}
    peer.tell("speech", start_s=0.0, duration_s=0.2, visemes=[["aa", 0.0, 0.2, 1.0]], **piece)
    peer.tell("speech", start_s=0.2, duration_s=0.2, visemes=[["ih", 0.2, 0.4, 1.0]], **piece)
    tab.wait_until("() => did.length >= 4")
    did = tab.evaluate("() => did")
    assert [what[:2] for what in did] == [
        ["clock", True],
        ["push", ["aa"]],
        ["push", ["ih"]],
        ["clock", False],
    ]
    assert abs(did[1][2] - did[2][2]) < 0.2, "both pieces of one reply, on one clock"


def test_what_is_interrupted_closes_the_mouth_at_once(tab: Tab, peer: ConversationPeer) -> None:
    tab.evaluate(WATCH)
    piece = {"reply": "r1", "text": "", "words": []}
    peer.tell("speech", start_s=0.0, duration_s=9, visemes=[["aa", 0.0, 9.0, 1.0]], **piece)
    tab.wait_until("() => did.length === 2")
    tab.evaluate("() => talk.interrupt()")
    assert tab.evaluate("() => did.at(-1)") == ["interrupt"]
    tab.evaluate("() => leave()")
    assert tab.evaluate("() => did.at(-1)") == ["clock", False]
