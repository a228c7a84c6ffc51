"""`POST /v1/tts` as the contract says, and what it costs."""

from __future__ import annotations

import io
from typing import Any

import av
import pytest

from tests.support.speech import START_CREDITS, MakeStage, Stage
from tests.support.voices import WatchedVoice


def seconds(data: bytes, container: str | None = None) -> float:
    with av.open(io.BytesIO(data), "r", format=container) as file:
        return sum(frame.samples / frame.sample_rate for frame in file.decode(audio=0))


def test_the_answer_is_an_mp3_of_the_text(stage: Stage) -> None:
    answer = stage.speak("Hello!")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/mpeg"
    assert seconds(answer.content) > 0.3


def test_headers_say_what_it_cost_and_what_is_left(stage: Stage) -> None:
    answer = stage.speak("x" * 101)

    assert answer.headers["x-credits-used"] == "2"
    assert answer.headers["x-credits-remaining"] == str(START_CREDITS - 2)
    assert answer.headers["x-character-count"] == "101"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("chars", "credits"), [(1, 1), (100, 1), (101, 2), (200, 2), (201, 3), (5_000, 50)]
)
def test_every_started_hundred_characters_cost_one_credit(
    stage: Stage, chars: int, credits: int
) -> None:
    assert stage.speak("a" * chars, format="pcm").status_code == 200

    stage.settle()
    assert stage.charged == [credits]
    assert stage.available == START_CREDITS - credits


def test_characters_are_code_points_not_bytes(stage: Stage) -> None:
    stage.speak("日" * 100)
    stage.speak("😀" * 99 + "a")

    stage.settle()
    assert stage.charged == [1, 1]


def test_the_ledger_knows_who_spoke(stage: Stage) -> None:
    stage.speak()
    stage.settle()
    with stage.db.read() as tx:
        newest = stage.credits.recent(tx, stage.account_id, 1)
    assert [(one.kind, one.character_id) for one in newest] == [("tts", stage.character_id)]


def test_a_test_key_speaks_and_pays_nothing(stage: Stage) -> None:
    answer = stage.post("/tts", {"character_id": stage.character_id, "text": "Hello!"}, "test")

    assert answer.status_code == 200
    assert answer.headers["x-credits-used"] == "0"
    stage.settle()
    assert stage.charged == []
    assert stage.available == START_CREDITS


@pytest.mark.parametrize(
    ("name", "content_type", "container"),
    [
        ("mp3", "audio/mpeg", "mp3"),
        ("wav", "audio/wav", "wav"),
        ("opus", "audio/ogg", "ogg"),
        ("flac", "audio/flac", "flac"),
        ("aac", "audio/aac", "aac"),
    ],
)
def test_every_format_plays(stage: Stage, name: str, content_type: str, container: str) -> None:
    answer = stage.speak("Hello, how are you?", format=name)

    assert answer.headers["content-type"] == content_type
    raw = stage.speak("Hello, how are you?", format="pcm").content
    assert seconds(answer.content, container) == pytest.approx(len(raw) / 48_000, abs=0.06)


def test_speed_shortens_the_audio(stage: Stage) -> None:
    normal, fast = (
        len(stage.speak("Hello, how are you?", format="pcm", speed=speed).content)
        for speed in (1, 2.0)
    )

    assert fast < 0.6 * normal


def test_another_voice_sounds_different_and_costs_the_same(stage: Stage) -> None:
    from charafy.voices.service import preset_id

    own = stage.speak("Hello!", format="pcm")
    other = stage.speak("Hello!", format="pcm", voice_id=preset_id("am_michael"))

    assert other.status_code == 200
    assert own.content != other.content
    assert own.headers["x-credits-used"] == other.headers["x-credits-used"] == "1"


def test_the_same_request_gives_the_same_bytes(stage: Stage) -> None:
    assert stage.speak("Hello!").content == stage.speak("Hello!").content


BAD: list[tuple[dict[str, Any], str]] = [
    ({"text": ""}, "text"),
    ({"text": "a" * 5_001}, "text"),
    ({"text": None}, "text"),
    ({"text": 5}, "text"),
    ({"text": ["Hello"]}, "text"),
    ({"text": "   \n\t"}, "text"),
    ({"text": "🎉🎊 !?"}, "text"),
    ({"character_id": None}, "character_id"),
    ({"character_id": 7}, "character_id"),
    ({"format": "mp5"}, "format"),
    ({"speed": "fast"}, "speed"),
    ({"speed": "1"}, "speed"),
    ({"speed": 0.49}, "speed"),
    ({"speed": 2.01}, "speed"),
    ({"speed": True}, "speed"),
    ({"voice_id": "11111111-1111-4111-8111-111111111111"}, "voice_id"),
    ({"voice_id": "nobody"}, "voice_id"),
    ({"language": "fr"}, "language"),
]


@pytest.mark.parametrize(("wrong", "param"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_a_clear_400_and_costs_nothing(
    stage: Stage, wrong: dict[str, Any], param: str
) -> None:
    body = {"character_id": stage.character_id, "text": "Hello!"} | wrong

    answer = stage.post("/tts", body)

    assert answer.status_code == 400
    problem = answer.json()
    assert problem["param"] == param
    assert problem["error"].startswith(f"{param}: ") and problem["error"].endswith(".")
    stage.settle()
    assert stage.available == START_CREDITS
    assert stage.voice.begun == 0


def test_only_emoji_is_nothing_to_say(stage: Stage) -> None:
    assert stage.speak("🎉").json()["code"] == "nothing_to_say"


@pytest.mark.parametrize(
    "body",
    [
        b"{not json",
        b'{"character_id": "x", "text": "\xff"}',
        b"[]",
        b"5",
        b"null",
        b"",
        b'{"character_id": "x", "text": "\\ud800"}',
        b'{"character_id": "x", "text": "Hello", "speed": NaN}',
    ],
)
def test_malformed_bodies_are_a_400_in_our_shape(stage: Stage, body: bytes) -> None:
    answer = stage.client.post(
        "/api/v1/tts",
        content=body,
        headers={"x-api-key": "live", "content-type": "application/json"},
    )

    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_no_key_and_a_wrong_key_are_401(stage: Stage) -> None:
    body = {"character_id": stage.character_id, "text": "Hello!"}

    assert stage.post("/tts", body, key=None).status_code == 401
    assert stage.post("/tts", body, key="ck_live_wrong").status_code == 401


def test_a_key_without_the_scope_is_403(stage: Stage) -> None:
    answer = stage.post("/tts", {"character_id": stage.character_id, "text": "Hi"}, "readonly")

    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


@pytest.mark.parametrize("which", ["someone else's", "nobody's", "not even a UUID"])
def test_what_is_not_the_callers_character_is_404(stage: Stage, which: str) -> None:
    ids = {
        "someone else's": stage.other_character_id,
        "nobody's": "11111111-1111-4111-8111-111111111111",
        "not even a UUID": "'; drop table characters",
    }

    answer = stage.post("/tts", {"character_id": ids[which], "text": "Hello!"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert stage.available == START_CREDITS


def test_without_credits_it_is_402_before_any_work(stage: Stage) -> None:
    stage.spend_all_but(1)

    answer = stage.speak("x" * 101)

    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert stage.voice.begun == 0
    assert stage.available == 1


def test_an_engine_that_fails_at_once_is_a_502_and_costs_nothing(make_stage: MakeStage) -> None:
    stage = make_stage(WatchedVoice(fail_at=0))

    answer = stage.speak()

    assert (answer.status_code, answer.json()["code"]) == (502, "upstream_failed")
    assert "broke" not in answer.text
    stage.settle()
    assert stage.charged == []
    assert stage.available == START_CREDITS


def test_metrics_count_the_audio_and_the_time_to_it(stage: Stage) -> None:
    stage.speak("Hello, how are you?")
    stage.settle()

    registry = stage.metrics.registry
    made = registry.get_sample_value("charafy_speech_audio_seconds_total", {"language": "en"})
    assert made is not None and made > 1
    assert registry.get_sample_value("charafy_speech_first_audio_seconds_count") == 1
    assert registry.get_sample_value("charafy_speech_active") == 0
