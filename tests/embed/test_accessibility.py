"""axe-core finds nothing serious on embed pages, idle and while somebody talks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embed.conftest import Theatre
from tests.support.axe_check import problems
from tests.support.chromium import Chromium
from tests.support.embedding import Framed

LOOKS: dict[str, dict[str, Any]] = {
    "paper": {"color_scheme": "light", "locale": "en", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "locale": "ja", "viewport": {"width": 390, "height": 844}},
}
SAID = "() => document.querySelectorAll('.said .user').length > 0"


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_in_the_way_of_who_talks(
    chromium: Chromium, theatre: Theatre, look: str
) -> None:
    with chromium.visit(
        theatre.server,
        "",
        reduced_motion="reduce",
        bypass_csp=True,
        permissions=["microphone"],
        **LOOKS[look],
    ) as tab:
        tab.open(f"/docs/embed/preview?character={theatre.character_id}&push-to-talk=on")
        frame = Framed(tab)
        assert problems(frame.evaluate) == []
        frame.begin()
        frame.wait_until("() => !document.querySelector('[data-do=hold]').hidden")
        frame.type("#line", "Hello?")
        tab.press("Enter")
        theatre.peer.wait_until(lambda: bool(theatre.peer.messages("send-text")))
        theatre.peer.say("user-transcription", text="Hello?", final=True, timestamp="")
        frame.wait_until(SAID)
        assert problems(frame.evaluate) == []
        frame.click("[data-do=end]")
        frame.wait_until("() => document.querySelector('.embed').dataset.state === 'ended'")
        assert problems(frame.evaluate) == []


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("path", ["/docs/embed", "/embed/00000000-0000-4000-8000-000000000000"])
def test_nor_on_the_pages_beside_it(
    chromium: Chromium, theatre: Theatre, look: str, path: str
) -> None:
    options: dict[str, Any] = {"reduced_motion": "reduce", "bypass_csp": True} | LOOKS[look]
    with chromium.visit(theatre.server, "", **options) as tab:
        tab.open(path)
        assert problems(tab.evaluate) == []
        tab.complaints.clear()  # the browser notes what is not there
