"""Over a real server and raw sockets: when audio leaves, and what happens when something breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from charafy.speech import delivery, synthesis
from tests.support.rawhttp import Exchange
from tests.support.speech import START_CREDITS, MakeStage, Stage, serving
from tests.support.voices import WatchedVoice

LONG = "Seven words are in every single sentence. " * 24
"""1,008 characters: 11 credits, about 60 chunks of the scripted voice."""

Live = Callable[..., tuple[Stage, str]]


@pytest.fixture
def live(make_stage: MakeStage) -> Iterator[Live]:
    """Makes a stage behind a real server."""
    servers = []

    def make(voice: WatchedVoice | None = None, **more: Any) -> tuple[Stage, str]:
        stage = make_stage(voice, **more)
        server = serving(stage.app)
        url = server.__enter__()
        servers.append((stage, server))
        return stage, url

    yield make
    for stage, server in servers:
        stage.voice.open()
        server.__exit__(None, None, None)


def ask(stage: Stage, url: str, text: str = LONG, **more: Any) -> Exchange:
    headers = more.pop("headers", {})
    receive_buffer = more.pop("receive_buffer", None)
    body = {"character_id": stage.character_id, "text": text, "format": "pcm"} | more
    return Exchange(
        url, "/api/v1/tts", body, receive_buffer=receive_buffer, x_api_key="live", **headers
    )


def test_the_first_audio_leaves_while_the_rest_is_not_yet_synthesised(live: Live) -> None:
    stage, url = live(WatchedVoice(gated=True))
    with ask(stage, url, format="mp3") as exchange:
        stage.voice.allow(1)

        status, headers = exchange.head()
        first = exchange.chunk()

        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        assert first
        assert stage.voice.made == 1
        stage.voice.open()
        rest, complete = exchange.rest()
        assert complete
        assert len(rest) > 10 * len(first)
    stage.settle()
    assert stage.charged == [11]


def test_the_charge_is_booked_before_the_client_sees_the_end(live: Live) -> None:
    stage, url = live()
    with ask(stage, url, "Hello") as exchange:
        exchange.head()
        exchange.rest()

        assert stage.charged == [1]


def test_a_client_that_leaves_stops_the_synthesis_within_one_chunk(live: Live) -> None:
    stage, url = live(WatchedVoice(gated=True))
    with ask(stage, url) as exchange:
        stage.voice.allow(12)
        exchange.head()
        stage.voice.wait_until(made=12)
        assert exchange.chunk()
        exchange.leave()
    stage.settle()

    stage.voice.allow(1)  # the chunk that was being computed when the client left

    stage.voice.wait_until(ended=1)
    assert stage.voice.made <= 13


def test_a_client_that_leaves_pays_for_what_it_was_sent(live: Live) -> None:
    stage, url = live(WatchedVoice(gated=True))
    with ask(stage, url) as exchange:
        stage.voice.allow(30)
        exchange.head()
        heard = 0
        while heard < 24_000 * 2 * 5:
            chunk = exchange.chunk()
            assert chunk
            heard += len(chunk)
        exchange.leave()

    stage.settle()

    [paid] = stage.charged
    assert 1 <= paid <= 6  # 30 of about 60 chunks were made
    assert stage.available == START_CREDITS - paid


def test_a_client_that_leaves_before_the_first_sound_pays_nothing(live: Live) -> None:
    stage, url = live(WatchedVoice(gated=True))
    with ask(stage, url) as exchange:
        stage.voice.wait_until(begun=1)
        exchange.leave()

    stage.settle()

    assert stage.charged == []
    assert stage.available == START_CREDITS


def test_a_failure_in_the_middle_breaks_the_answer_off_and_costs_nothing(live: Live) -> None:
    stage, url = live(WatchedVoice(gated=True, fail_at=5))
    with ask(stage, url) as exchange:
        stage.voice.allow(1)
        status, _ = exchange.head()
        data = exchange.chunk()
        stage.voice.open()
        _, complete = exchange.rest()

    assert status == 200
    assert data
    assert not complete
    stage.settle()
    assert stage.charged == []
    assert stage.available == START_CREDITS


def test_a_client_that_reads_slowly_pauses_its_synthesis_and_nobody_elses(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesis, "RUN_AHEAD_BYTES", 20_000)
    stage, url = live()
    long = "Seven words are in every single sentence. " * 119
    with ask(stage, url, long, speed=0.5, receive_buffer=4_096) as slow:
        slow.head()
        with ask(stage, url, "Hello") as quick:
            quick.head()
            assert quick.rest()[1]
        stage.voice.wait_until_still()
        with ask(stage, url, "Hello again") as another:
            another.head()
            assert another.rest()[1]

        assert stage.voice.ended == 2  # the slow one stands still with most of it unmade
        slow.leave()
    stage.settle()
    stage.voice.wait_until(ended=3)


def test_a_client_that_does_not_read_at_all_is_left(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "STALL_S", 0.2)
    monkeypatch.setattr(synthesis, "RUN_AHEAD_BYTES", 20_000)
    stage, url = live()
    long = "Seven words are in every single sentence. " * 119
    with ask(stage, url, long, speed=0.5, receive_buffer=4_096) as exchange:
        exchange.head()
        stage.voice.wait_until(ended=1)
        stage.settle()

        [paid] = stage.charged
        assert 1 <= paid < 50


def test_a_request_that_no_voice_turns_to_is_429_and_costs_nothing(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "QUEUE_S", 0.05)
    monkeypatch.setattr(delivery, "_LOOK_S", 0.06)
    stage, url = live(WatchedVoice(gated=True))
    with ask(stage, url) as one, ask(stage, url) as two:
        stage.voice.wait_until(begun=2)  # both threads are busy
        with ask(stage, url) as late:
            status, headers = late.head()
        assert status == 429
        assert int(headers["retry-after"]) >= 1
        one.leave()
        two.leave()
        stage.settle()
    stage.voice.open()
    stage.voice.wait_until(ended=2)
    assert stage.charged == []


def test_an_account_has_as_many_speeches_at_once_as_its_plan_allows(live: Live) -> None:
    stage, url = live(WatchedVoice(gated=True), concurrent=1)
    with ask(stage, url) as first:
        stage.voice.wait_until(begun=1)

        answer = stage.speak("Hello")

        assert (answer.status_code, answer.json()["code"]) == (429, "concurrency_limited")
        assert answer.headers["retry-after"] == "1"
        stage.voice.open()
        first.head()
        assert first.rest()[1]
    stage.settle()
    assert stage.charged == [11]
    assert stage.speak("Hello").status_code == 200


def test_a_long_delivery_keeps_its_credits_held(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RENEW_S", 0.0)
    stage, url = live(WatchedVoice(gated=True))
    with ask(stage, url) as exchange:
        stage.voice.allow(1)
        exchange.head()
        exchange.chunk()
        for _ in range(3):
            stage.clock.advance(100)
            stage.voice.allow(1)
            assert exchange.chunk()  # renewed before the next wait
            assert stage.credits.release_expired() == 0
        stage.voice.open()
        exchange.rest()
    stage.settle()
    assert stage.charged == [11]


def test_a_process_that_died_lets_its_credits_go_when_the_lease_ends(live: Live) -> None:
    stage, url = live(WatchedVoice(gated=True))
    with ask(stage, url):
        stage.voice.wait_until(begun=1)
        assert stage.available == START_CREDITS - 11

        stage.clock.advance(121)  # nobody renews: as if the process were gone

        assert stage.credits.release_expired() == 1
        assert stage.available == START_CREDITS
    stage.settle()
    assert stage.charged == []
