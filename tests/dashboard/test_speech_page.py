"""The playground of speech, for people with scripts and without."""

from __future__ import annotations

import base64
import html
from typing import Any

import pytest

from charafy.kernel.ids import new_id
from tests.dashboard.conftest import Open, Site, account_id, credits_of
from tests.support.browser import Browser

PAGE = "/dashboard/speech"


@pytest.fixture
def sora(site: Site) -> Browser:
    browser = site.member()
    browser.submit("/dashboard/demo")
    browser.open(PAGE)
    return browser


def speaker(site: Site, name: str = "Emma") -> str:
    return next(
        c.character_id for c in site.house.characters.list(account_id(site)) if c.name == name
    )


def say(browser: Browser, path: str = PAGE, **fields: str) -> Any:
    form = {"csrf_token": browser.forms()[PAGE]["csrf_token"], "format": "mp3", "speed": "1"}
    return browser.client.post(
        path, data={**form, "text": "Good morning!", **fields}, headers={"accept-language": "en"}
    )


def test_a_character_and_every_voice_can_be_chosen(site: Site, sora: Browser) -> None:
    assert f'value="{speaker(site)}"' in sora.html
    assert sora.html.count("<option") == 3 + 33 + 4
    sora.open(f"{PAGE}?speaker={speaker(site, 'Leo')}")
    chosen = sora.html.split(f'value="{speaker(site, "Leo")}"')[1].split(">")[0]
    assert "selected" in chosen


def test_the_script_gets_the_sound_with_its_words_and_pays_as_the_api_does(
    site: Site, sora: Browser
) -> None:
    answer = say(sora, f"{PAGE}?part=answer", speaker=speaker(site), format="wav", speed="1.5")
    assert answer.status_code == 200
    said = answer.json()
    assert base64.b64decode(said["audio"]).startswith(b"RIFF")
    assert [word["text"] for word in said["words"]] == ["Good", "morning"]
    assert said["visemes"][0]["start_s"] == 0
    assert (said["credits_used"], said["credits_remaining"]) == (1, 99)
    assert credits_of(site) == 99
    assert answer.headers["cache-control"] == "no-store"


def test_a_voice_speaks_without_a_character(site: Site, sora: Browser) -> None:
    hinata = next(v for v in site.house.voices.available("") if v.language == "ja")
    answer = say(sora, f"{PAGE}?part=answer", speaker=hinata.voice_id, text="おはよう")
    assert answer.status_code == 200
    assert answer.json()["duration_s"] > 0


def test_without_scripts_one_gets_the_file(site: Site, sora: Browser) -> None:
    answer = say(sora, speaker=speaker(site))
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["content-disposition"] == 'attachment; filename="speech.mp3"'
    assert len(answer.content) > 1_000
    assert credits_of(site) == 99


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"text": ""}, 400, "between 1 and 5,000 characters"),
        ({"text": "x" * 5_001}, 400, "between 1 and 5,000 characters"),
        ({"text": "🙂"}, 400, "nothing to say"),
        ({"speaker": new_id()}, 400, "voice is not there any more"),
        ({"speaker": ""}, 400, "voice is not there any more"),
        ({"speed": "9"}, 400, "between 0.5 and 2"),
        ({"speed": "nan"}, 400, "between 0.5 and 2"),
        ({"speed": "fast"}, 400, "between 0.5 and 2"),
        ({"format": "exe"}, 400, "one of the formats"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_nothing_is_paid(
    site: Site, sora: Browser, fields: dict[str, str], status: int, says: str
) -> None:
    for path in (PAGE, f"{PAGE}?part=answer"):
        answer = say(sora, path, **{"speaker": speaker(site), **fields})
        assert answer.status_code == status
        said = answer.json()["error"] if "part" in path else html.unescape(answer.text)
        assert says in said
    assert credits_of(site) == 100


def test_without_credits_nothing_is_spoken(open_site: Open) -> None:
    site = open_site(sign_up_credits=0)
    browser = site.member()
    browser.submit("/dashboard/demo")
    browser.open(PAGE)
    answer = say(browser, f"{PAGE}?part=answer", speaker=speaker(site))
    assert answer.status_code == 402
    assert answer.json()["error"] == "You don’t have enough credits for that."


def test_nobody_speaks_with_the_characters_of_others(site: Site, sora: Browser) -> None:
    emma = speaker(site)
    riku = site.member("riku@example.com")
    riku.open(PAGE)
    assert emma not in riku.html
    assert say(riku, f"{PAGE}?part=answer", speaker=emma).status_code == 400


def test_what_was_typed_comes_back_as_text(site: Site, sora: Browser) -> None:
    hostile = "</textarea><script>alert(1)</script>"
    answer = say(sora, speaker=speaker(site), text=hostile, speed="9")
    assert answer.status_code == 400
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert" not in answer.text
