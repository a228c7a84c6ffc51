"""The pages of videos: ordering one, seeing it come to be, watching it, letting it go."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import pytest

from charafy.kernel.ids import new_id
from charafy.kernel.settings import Plan
from tests.dashboard.conftest import Open, Site, account_id, credits_of
from tests.support import recordings
from tests.support.browser import Browser
from tests.support.images import jpeg
from tests.support.videos import Hands

PAGE = "/dashboard/videos"


@pytest.fixture
def site(open_site: Open) -> Site:
    return open_site(sign_up_credits=1_000)


@pytest.fixture
def sora(site: Site) -> Browser:
    browser = site.member()
    browser.submit("/dashboard/demo")
    browser.open(PAGE)
    return browser


def order(
    browser: Browser,
    part: str = "",
    *,
    recording: bytes = b"",
    language: str = "en",
    **fields: Any,
) -> Any:
    """Send the form of the page as it stands, with these words or this recording in it."""
    browser.open(PAGE)
    form = browser.forms()[PAGE] | {"text": "Welcome!"} | fields
    for unsent in ("picture", "recording"):
        form.pop(unsent)
    browser.page = browser.client.post(
        f"{PAGE}?part={part}" if part else PAGE,
        data=form,
        files={"recording": ("take.flac", recording)} if recording else None,
        headers={"accept-language": language},
    )
    return browser.page


def ordered(browser: Browser, **fields: Any) -> str:
    order(browser, **fields)
    assert browser.path.startswith(f"{PAGE}/"), browser.html
    return browser.path.rsplit("/", 1)[1]


def test_a_video_needs_somebody_who_speaks(site: Site) -> None:
    browser = site.member()
    browser.open(PAGE)
    assert "Make a character first" in browser.html
    assert 'href="/dashboard/characters/new"' in browser.html


def test_one_orders_a_video_sees_it_made_and_watches_it(site: Site, sora: Browser) -> None:
    video_id = ordered(sora, aspect="9:16")
    assert "Being made" in sora.html or "number 1 in line" in sora.html
    held = 1_000 - credits_of(site)
    assert f"{held} credits" in sora.html
    part = sora.client.get(f"{PAGE}/{video_id}?part=film").text
    assert 'data-status="processing"' in part
    assert "<html" not in part

    Hands(site.house).make(video_id)
    sora.open(f"{PAGE}/{video_id}")
    video = site.house.video_room.videos.get(account_id(site), video_id)
    assert (video.width, video.height) == (720, 1_280)
    assert f"{video.credits_used} credits" in sora.html
    assert credits_of(site) == 1_000 - video.credits_used
    for kind, begins in ((".mp4", b"\x00\x00\x00"), (".srt", b"1\n"), (".vtt", b"WEBVTT")):
        path = next(
            found.split('"')[0]
            for found in sora.html.split('href="')[1:]
            if kind in found.split('"')[0]
        )
        assert sora.client.get(html.unescape(path)).content.startswith(begins), kind
    assert "<track" in sora.html
    sora.open(PAGE)
    assert "Welcome!" in sora.html


def test_a_film_speaks_with_ones_own_recording(site: Site, sora: Browser) -> None:
    video_id = ordered(sora, source="recording", recording=recordings.speech())
    video = site.house.video_room.videos.get(account_id(site), video_id)
    assert video.text is None
    Hands(site.house).make(video_id)
    sora.open(f"{PAGE}/{video_id}")
    made = site.house.video_room.videos.get(account_id(site), video_id)
    assert made.duration_s is not None
    # All of it, and a moment of rest.
    assert 0 <= made.duration_s - len(recordings.pcm()) / 24_000 < 0.5
    assert "A recording" in sora.html
    # What was said is not known: there is nothing to show under the picture.
    assert "<track" not in sora.html
    assert "SRT" not in sora.html
    sora.open(PAGE)
    assert "A recording" in sora.html


def test_what_is_transparent_becomes_webm_whatever_was_chosen(site: Site, sora: Browser) -> None:
    video_id = ordered(sora, background="transparent", format="mp4")
    Hands(site.house).make(video_id)
    sora.open(f"{PAGE}/{video_id}")
    link = html.unescape(sora.html.split('<a class="button primary" href="')[1].split('"')[0])
    assert sora.client.get(link).content.startswith(b"\x1a\x45\xdf\xa3")
    assert f'download="charafy-{video_id[:8]}.webm"' in sora.html


def test_a_recording_in_the_field_is_left_alone_when_a_text_was_chosen(
    site: Site, sora: Browser
) -> None:
    video_id = ordered(sora, source="text", recording=b"no sound at all", format="webm")
    video = site.house.video_room.videos.get(account_id(site), video_id)
    assert (video.text, video.format) == ("Welcome!", "webm")


@pytest.mark.parametrize(
    ("made", "english", "japanese"),
    [
        (bytes, "Choose a recording", "録音を選ぶか"),
        (
            lambda: b"no sound at all, but some bytes",
            "no recording that can be read",
            "読み取れる録音では",
        ),
        (
            lambda: recordings.written("wav", recordings.silence(0.1)),
            "is too short",
            "録音が短すぎます",
        ),
        (
            lambda: recordings.written("mp3", recordings.silence(601)),
            "than 10 minutes",
            "録音が10分を",
        ),
        (lambda: b"RIFF" + bytes(10 * 1024 * 1024), "larger than 10 MB", "10 MBを超えて"),
    ],
    ids=["none", "no-sound", "too-short", "too-long", "too-large"],
)
def test_what_is_wrong_with_a_recording_is_said_at_its_field(
    site: Site, sora: Browser, made: Callable[[], bytes], english: str, japanese: str
) -> None:
    recording = made()
    for language, says in (("en", english), ("ja", japanese)):
        answer = order(sora, source="recording", recording=recording, language=language)
        assert answer.status_code in (400, 413)
        assert says in html.unescape(sora.html)
        assert 'name="recording" type="file"' in sora.html
        told = order(
            sora, part="answer", source="recording", recording=recording, language=language
        )
        assert told.json()["param"] == "recording"
        assert says in told.json()["error"]
    assert credits_of(site) == 1_000
    assert site.house.storage.keys("videos/") == []


def test_a_double_click_orders_one_video(site: Site, sora: Browser) -> None:
    number = sora.forms()[PAGE]["form"]
    first, second = (ordered(sora, form=number) for _ in range(2))
    assert first == second
    found, _ = site.house.video_room.videos.page(account_id(site), limit=10)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"text": ""}, 400, "between 1 and 5,000 characters"),
        ({"text": "…"}, 400, "nothing to say"),
        ({"character_id": new_id()}, 404, "isn’t there any more"),
        ({"aspect": "4:3"}, 400, "must be"),
        ({"background": "picture"}, 400, "Choose a picture"),
        ({"background": "colour", "colour": "reddish"}, 400, "such as #f5efe6"),
        ({"speed": "0.1"}, 400, "between 0.5 and 2"),
        ({"format": "avi"}, 400, "one of the formats"),
    ],
)
def test_what_is_wrong_is_a_sentence_and_nothing_is_set_aside(
    site: Site, sora: Browser, fields: dict[str, Any], status: int, says: str
) -> None:
    assert order(sora, **fields).status_code == status
    assert says in html.unescape(sora.html)
    told = order(sora, part="answer", **fields)
    assert told.status_code == status
    assert says in told.json()["error"]
    assert credits_of(site) == 1_000


def test_backgrounds_are_colours_or_pictures(site: Site, sora: Browser) -> None:
    ordered(sora, background="colour", colour="#aabbcc")
    sora.open(PAGE)
    form = sora.forms()[PAGE] | {"text": "Welcome!", "background": "picture"}
    del form["picture"], form["recording"]
    answer = sora.client.post(PAGE, data=form, files={"picture": ("sea.jpg", jpeg())})
    assert answer.status_code == 200
    refused = sora.client.post(
        PAGE, data=form | {"form": new_id()}, files={"picture": ("sea.jpg", b"none")}
    )
    assert refused.status_code == 400
    assert "no picture that can be read" in refused.text


def test_a_video_can_be_cancelled_once_and_costs_nothing_then(site: Site, sora: Browser) -> None:
    video_id = ordered(sora)
    sora.submit(f"{PAGE}/{video_id}/cancel")
    assert "You cancelled it. Nothing was charged." in sora.html
    assert credits_of(site) == 1_000
    token = {"csrf_token": sora.forms()["/sign-out"]["csrf_token"]}
    sora.page = sora.client.post(f"{PAGE}/{video_id}/cancel", data=token)
    assert "It had ended already" in sora.html


@pytest.mark.parametrize("code", ["nothing_to_say", "picture_unusable", "disk_full", "internal"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_why_a_video_failed_is_said(site: Site, sora: Browser, code: Any, language: str) -> None:
    from charafy.videos.models import Failure

    video_id = ordered(sora)
    site.house.video_room.work.fail(video_id, Failure(code))
    assert sora.open(f"{PAGE}/{video_id}", language).status_code == 200
    assert {"en": "Nothing was charged", "ja": "料金はかかっていません"}[language] in sora.html
    assert sora.open(PAGE, language).status_code == 200


def test_deleting_forgets_the_film(site: Site, sora: Browser) -> None:
    video_id = ordered(sora)
    Hands(site.house).make(video_id)
    sora.open(f"{PAGE}/{video_id}")
    sora.submit(f"{PAGE}/{video_id}/delete")
    assert sora.path == PAGE
    assert site.house.storage.keys("videos/") == []
    assert sora.open(f"{PAGE}/{video_id}").status_code == 404


def test_a_video_outlives_who_speaks_in_it(site: Site, sora: Browser) -> None:
    video_id = ordered(sora)
    Hands(site.house).make(video_id)
    for character in site.house.characters.list(account_id(site)):
        site.house.characters.delete(account_id(site), character.character_id)
    sora.open(PAGE)
    assert "Someone who has gone" in sora.html
    assert sora.open(f"{PAGE}/{video_id}").status_code == 200
    assert "<video" in sora.html


def test_as_many_wait_as_the_plan_allows(open_site: Open) -> None:
    one = Plan(video_queue_limit=1)
    site = open_site(sign_up_credits=1_000, plans={"free": one, "standard": one})
    browser = site.member()
    browser.submit("/dashboard/demo")
    ordered(browser)
    answer = order(browser)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "30"
    assert "as many videos under way" in browser.html


def test_many_videos_come_page_by_page(open_site: Open) -> None:
    many = Plan(video_queue_limit=100)
    site = open_site(sign_up_credits=10_000, plans={"free": many, "standard": many})
    browser = site.member()
    browser.submit("/dashboard/demo")
    for number in range(26):
        ordered(browser, text=f"Number {number}.")
    browser.open(PAGE)
    assert browser.html.count("film-card") == 24
    older = html.unescape(browser.html.split(f'href="{PAGE}?cursor=')[1].split('"')[0])
    browser.open(f"{PAGE}?cursor={older}")
    assert browser.html.count("film-card") == 2
    assert browser.open(f"{PAGE}?cursor=nonsense").status_code == 400


def test_nobody_sees_or_ends_the_videos_of_others(site: Site, sora: Browser) -> None:
    video_id = ordered(sora)
    riku = site.member("riku@example.com")
    token = {"csrf_token": riku.forms()["/sign-out"]["csrf_token"]}
    assert riku.client.get(f"{PAGE}/{video_id}").status_code == 404
    for deed in ("cancel", "delete"):
        assert riku.client.post(f"{PAGE}/{video_id}/{deed}", data=token).status_code == 404
    assert site.house.video_room.videos.get(account_id(site), video_id).status == "processing"


def test_what_is_said_stays_text(site: Site, sora: Browser) -> None:
    hostile = "Hello </blockquote><script>alert(1)</script>"
    video_id = ordered(sora, text=hostile)
    for path in (PAGE, f"{PAGE}/{video_id}", f"{PAGE}/{video_id}?part=film"):
        sora.open(path)
        assert "alert(1)" in sora.html
        assert "<script>alert" not in sora.html
