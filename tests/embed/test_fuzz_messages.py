"""What the page around an embed page may post to it, bitten into: obeyed or passed over, no more.

CHARAFY_TEST_EXAMPLES says how many (`tests/support/fuzz.py`).
"""

from __future__ import annotations

import itertools
import json
from typing import Final

from tests.embed.conftest import Theatre
from tests.support.chromium import Chromium
from tests.support.embedding import Framed
from tests.support.fuzz import NASTY, fuzzed, json_values

WISHES: Final = ("speak", "interrupt", "look", "name", "push-to-talk", "hold")
"""`end` is none of them: it is obeyed, and the conversation over."""
FIELDS: Final = ("text", "name", "theme", "accent", "on")
VALUES: Final[tuple[object, ...]] = (
    *(None, True, 0, 123456, -1.5, "dark", "#aabbcc", [], ["aabbcc"], {"replace": 1}, {}),
    *NASTY[::3],
)

POST: Final = """(texts) => {
  const { contentWindow } = document.querySelector("iframe");
  const odd = [new Map([["charafy", "widget"]]), new Date(NaN), new Uint8Array(9), /a/, 10n ** 40n];
  const loop = { charafy: "widget", do: "look" };
  loop.accent = loop.theme = loop;
  const said = texts.map((text) => { try { return JSON.parse(text); } catch { return text; } });
  for (const message of [...said, ...odd, loop]) contentWindow.postMessage(message, "*");
}"""


def test_whatever_is_posted_to_it_the_conversation_goes_on(
    chromium: Chromium, theatre: Theatre
) -> None:
    found = [
        json.dumps({"charafy": "widget", "do": wish, field: value})
        for wish, field, value in itertools.product(WISHES, FIELDS, VALUES)
    ]

    @fuzzed(200, message=json_values)
    def gather(message: object) -> None:
        found.append(json.dumps(message))

    gather()
    peer = theatre.peer
    with chromium.visit(theatre.shop.origin, "") as tab:
        tab.open("/")
        frame = Framed(tab)
        tab.evaluate(POST, found)
        frame.begin("text")
        tab.evaluate(POST, found)
        frame.type("#line", "Good evening")
        tab.press("Enter")
        peer.wait_until(lambda: {"content": "Good evening"} in peer.messages("send-text"))
        assert tab.complaints == []
