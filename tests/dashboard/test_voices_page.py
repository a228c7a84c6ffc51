"""The page of voices: for people with scripts and without, in both languages, on every width."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Settings
from tests.dashboard.conftest import Open, Site, account_id, credits_of
from tests.support import recordings
from tests.support.browser import Browser
from tests.support.chromium import Asked, Chromium, Served, Tab, chromium, served
from tests.support.clock import ManualClock

__all__ = ["chromium"]

STATEMENT = {
    "en": "I am the person who speaks in this recording",
    "ja": "この録音で話しているのは私自身です",
}
TOLD = {
    "en": (
        "“Me” can speak now",
        "What the recording was like",
        "Voice matching · similarity not measured",
    ),
    "ja": (
        "「Me」が話せるようになりました",
        "録音について",
        "声のマッチング · 類似度は未測定",
    ),
}


def send(
    browser: Browser,
    audio: bytes | None,
    action: str = "/dashboard/voices",
    language: str = "en",
    **fields: str,
) -> Any:
    """Fill in the form and send it, or to another `action`; without `audio` no file is chosen."""
    form = {**browser.forms()["/dashboard/voices"], "name": "Me", "language": "en"}
    del form["consent"]  # a box that is not ticked sends nothing
    browser.page = browser.client.post(
        action,
        data=form | fields,
        files={"audio": ("voice.flac" if audio is not None else "", audio or b"")},
        headers={"accept-language": language},
    )
    return browser.page


@pytest.fixture
def sora(site: Site) -> Browser:
    browser = site.member()
    browser.open("/dashboard/voices")
    return browser


def test_every_voice_can_be_heard_and_the_way_there_is_in_the_navigation(sora: Browser) -> None:
    assert len(re.findall(r"/sample\.mp3", sora.html)) == 33
    sora.open("/dashboard")
    assert 'href="/dashboard/voices"' in sora.html
    sora.open("/dashboard/voices", "ja")
    assert "クローンした声はまだありません" in sora.html


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_voice_is_cloned_with_the_words_that_were_agreed_to(
    site: Site, sora: Browser, language: str
) -> None:
    answer = send(sora, recordings.speech(), consent="yes", language=language)
    assert (answer.status_code, sora.path) == (200, "/dashboard/voices")
    for words in TOLD[language]:
        assert words in sora.html
    [consent] = site.house.voice_room.clones.consents(account_id(site))
    assert consent.statement.startswith(STATEMENT[language])
    assert (consent.given_by, consent.key_id) == ("session", None)
    [voice] = [v for v in site.house.voices.available(account_id(site)) if v.clone]
    assert (voice.name, voice.language) == ("Me", "en")
    assert credits_of(site) == 0


@pytest.mark.parametrize(
    ("fields", "audio", "says"),
    [
        ({}, recordings.speech(), "Tick the box first"),
        ({"consent": "no"}, recordings.speech(), "Tick the box first"),
        ({"consent": "yes", "name": ""}, recordings.speech(), "between 1 and 100 characters"),
        ({"consent": "yes"}, None, "Choose a recording"),
        ({"consent": "yes"}, b"not a recording", "no recording that can be read"),
        ({"consent": "yes"}, recordings.film(), "That is a video"),
        (
            {"consent": "yes"},
            recordings.written("mp3", recordings.silence(8)),
            "The recording is silent",
        ),
    ],
)
def test_what_is_wrong_is_a_sentence_and_what_was_typed_stays(
    site: Site, sora: Browser, fields: dict[str, str], audio: bytes | None, says: str
) -> None:
    answer = send(sora, audio, **{"name": "Grandma", **fields})
    assert answer.status_code == 400
    assert says in sora.html
    if fields.get("name", "Grandma"):
        assert 'value="Grandma"' in sora.html
    assert "dash_" not in sora.html
    assert credits_of(site) == 100
    assert site.house.storage.keys("voices/") == []


def test_a_recording_can_be_checked_before_anything_is_paid(site: Site, sora: Browser) -> None:
    send(sora, recordings.written("mp3", recordings.music(8)), "/dashboard/voices/check")
    assert "No voice can be cloned from this recording." in sora.html
    assert "hardly any speech" in sora.html
    send(sora, recordings.speech(), "/dashboard/voices/check", name="Grandma")
    assert "A voice can be cloned from this recording." in sora.html
    assert 'value="Grandma"' in sora.html
    assert credits_of(site) == 100


def test_checking_is_counted(sora: Browser) -> None:
    for _ in range(20):
        send(sora, b"nothing", "/dashboard/voices/check")
    assert send(sora, b"nothing", "/dashboard/voices/check").status_code == 429
    assert "That was a bit fast" in sora.html


def test_a_double_click_makes_one_voice_and_is_paid_once(site: Site, sora: Browser) -> None:
    form = sora.forms()["/dashboard/voices"]["form"]
    for _ in range(2):
        assert send(sora, recordings.speech(), consent="yes", form=form).status_code == 200
        sora.open("/dashboard/voices")
    assert credits_of(site) == 0
    assert len(site.house.storage.keys("voices/")) == 1


def test_a_form_without_its_number_is_out_of_date(sora: Browser) -> None:
    assert send(sora, recordings.speech(), consent="yes", form="x").status_code == 403
    assert "out of date" in sora.html


def test_too_few_credits_are_said_before_and_after(open_site: Open) -> None:
    site = open_site(sign_up_credits=99)
    browser = site.member()
    browser.open("/dashboard/voices")
    assert "You have 99 credits: too few for a voice." in browser.html
    assert send(browser, recordings.speech(), consent="yes").status_code == 402
    assert "enough credits" in browser.html


def test_a_voice_is_deleted_unless_somebody_speaks_with_it(site: Site, sora: Browser) -> None:
    send(sora, recordings.speech(), consent="yes")
    [voice] = [v for v in site.house.voices.available(account_id(site)) if v.clone]
    sora.open("/dashboard")
    sora.submit("/dashboard/demo")
    first = site.house.characters.list(account_id(site))[0]
    site.house.characters.update(account_id(site), first.character_id, {"voice_id": voice.voice_id})
    action = f"/dashboard/voices/{voice.voice_id}/delete"
    sora.open("/dashboard/voices")
    assert sora.submit(action).status_code == 409
    assert "Characters still speak with this voice" in sora.html

    site.house.characters.delete(account_id(site), first.character_id)
    assert sora.submit(action).status_code == 200
    assert site.house.storage.keys("voices/") == []
    assert voice.voice_id not in sora.html


def test_nobody_deletes_another_s_voice_or_a_preset(site: Site, sora: Browser) -> None:
    send(sora, recordings.speech(), consent="yes")
    [voice] = [v for v in site.house.voices.available(account_id(site)) if v.clone]
    riku = site.member("riku@example.com")
    token = riku.forms()["/sign-out"]["csrf_token"]
    preset = site.house.voices.available("")[0].voice_id
    for voice_id, status in ((voice.voice_id, 404), (preset, 403), (new_id(), 404)):
        answer = riku.client.post(
            f"/dashboard/voices/{voice_id}/delete", data={"csrf_token": token}
        )
        assert answer.status_code == status
    riku.open("/dashboard/voices")
    assert voice.voice_id not in riku.html


def test_the_part_for_the_script_is_only_one_s_own_voices(site: Site, sora: Browser) -> None:
    send(sora, recordings.speech(), consent="yes")
    part = sora.open("/dashboard/voices?part=own").text
    assert part.count("data-voice") == 1
    assert "<html" not in part


@dataclass(frozen=True, slots=True)
class Member:
    """A whole server, and somebody who is signed in at it."""

    house: House
    http: TestClient
    account_id: str

    def ask(self, asked: Asked) -> Served:
        return served(self.http, asked)

    @property
    def own(self) -> list[str]:
        return [v.voice_id for v in self.house.voices.available(self.account_id) if v.clone]


@pytest.fixture
def member(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Member]:
    del db
    rich = settings.model_copy(update={"sign_up_credits": 1_000})
    house = build_house(rich, clock=clock, cloner=ScriptedCloner(refines=True))
    account = house.accounts.create("sora@example.com")
    session = house.account_services.sessions.begin(account.account_id)
    http = TestClient(build_app(house), base_url=settings.base_url)
    http.cookies.set("charafy_session", session.token)
    try:
        yield Member(house, http, account.account_id)
    finally:
        house.close()


def fill_in(tab: Tab) -> None:
    tab.type("#name", "Me")
    tab.click("input[name=consent]")


def test_a_recording_is_checked_as_soon_as_it_is_chosen(chromium: Chromium, member: Member) -> None:
    silence = recordings.written("mp3", recordings.silence(8))
    with chromium.tab(server=member.ask) as tab:
        tab.open("/dashboard/voices")
        tab.choose_file("#audio", "silence.mp3", silence)
        tab.wait_until("() => document.querySelector('[data-usable=no]')")
        assert tab.evaluate("() => document.querySelector('[data-send]').disabled") is True
        tab.choose_file("#audio", "speech.flac", recordings.speech())
        tab.wait_until("() => document.querySelector('[data-usable=yes]')")
        assert tab.evaluate("() => document.querySelector('[data-send]').disabled") is False
        fill_in(tab)
        tab.click("[data-send]")
        tab.wait_until("() => document.querySelector('[data-voice]')")
    assert len(member.own) == 1


def test_somebody_records_themself_hears_it_and_clones_it(
    chromium: Chromium, member: Member
) -> None:
    with chromium.tab(server=member.ask, permissions=["microphone"]) as tab:
        tab.open("/dashboard/voices")
        tab.click(".recorder button")
        tab.wait_until("() => document.querySelector('.recorder meter').value > 0.3")
        tab.wait_until("() => document.querySelector('[data-clock]').textContent === '0:07'")
        tab.click(".recorder button")
        tab.wait_until("() => document.querySelector('#audio').files.length === 1")
        assert tab.evaluate("() => document.querySelector('.recorder audio').hidden") is False
        tab.wait_until("() => document.querySelector('[data-usable=yes]')")
        fill_in(tab)
        tab.click("[data-send]")
        tab.wait_until("() => document.querySelector('[data-voice]')")
    assert len(member.own) == 1


def test_without_leave_to_use_the_microphone_it_is_said_what_to_do(
    chromium: Chromium, member: Member
) -> None:
    with chromium.tab(server=member.ask) as tab:
        tab.open("/dashboard/voices")
        tab.click(".recorder button")
        tab.wait_until("() => document.querySelector('.recorder [data-told]').textContent")
        note = tab.evaluate("() => document.querySelector('.recorder [data-told]').textContent")
        assert "blocked for this page" in note


def test_a_refinement_is_seen_to_end(chromium: Chromium, member: Member) -> None:
    with chromium.tab(server=member.ask) as tab:
        tab.open("/dashboard/voices")
        tab.choose_file("#audio", "speech.flac", recordings.speech())
        fill_in(tab)
        tab.click("[data-send]")
        tab.wait_until("() => document.querySelector('[data-pending]')")
        job = member.house.voice_room.refinery.claim("worker")
        assert job is not None
        member.house.voice_room.refinery.refine(job)
        tab.wait_until("() => document.querySelector('[data-voice]:not([data-pending])')")
        state = tab.evaluate("() => document.querySelector('[data-live=state]').textContent")
        assert state == "Refined: closer than at first."


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_window(chromium: Chromium, member: Member, width: int) -> None:
    with chromium.tab(server=member.ask, viewport={"width": width, "height": 800}) as tab:
        for language in ("en", "ja"):
            tab.open(f"/dashboard/voices?lang={language}")
            assert tab.evaluate("() => document.documentElement.scrollWidth") <= width


def test_large_recordings_may_be_sent_by_who_is_signed_in_and_by_nobody_else(
    member: Member,
) -> None:
    large = recordings.written("wav")
    assert len(large) > 512 * 1024
    page = Browser(member.http)
    page.open("/dashboard/voices")
    assert send(page, large, "/dashboard/voices/check").status_code == 200
    assert "A voice can be cloned" in page.html

    stranger = TestClient(build_app(member.house), base_url=str(member.http.base_url))
    for cookie in ("", "nonsense", "x" * 3_000):
        stranger.cookies.set("charafy_session", cookie)
        for path in ("/dashboard/voices", "/api/v1/voice/preview"):
            answer = stranger.post(path, files={"audio": ("a", large)})
            assert answer.status_code == 401
    member.http.cookies.set("charafy_session", member.http.cookies["charafy_session"])
    through_the_api = member.http.post("/api/v1/voice/preview", files={"audio": ("a", large)})
    assert through_the_api.status_code == 401
    assert urlsplit(str(through_the_api.url)).path == "/api/v1/voice/preview"
