"""`POST /v1/tts/timestamps`: one JSON answer whose times match the decoded audio."""

from __future__ import annotations

import base64
import io
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.speech import delivery
from tests.support.speech import START_CREDITS, MakeStage, Stage
from tests.support.voices import WatchedVoice

TEXT = "Hello, how are you?"


def ask(stage: Stage, text: str = TEXT, key: str = "live", **more: Any) -> Any:
    body = {"character_id": stage.character_id, "text": text} | more
    return stage.post("/tts/timestamps", body, key)


def decoded(data: bytes) -> NDArray[np.float32]:
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=24_000)
    with av.open(io.BytesIO(data), "r") as file:
        frames = [out for frame in file.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def test_the_answer_holds_audio_timeline_and_price(stage: Stage) -> None:
    answer = ask(stage)

    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == [
        "audio",
        "format",
        "duration_s",
        "words",
        "phonemes",
        "visemes",
        "credits_used",
        "credits_remaining",
    ]
    assert body["format"] == "mp3"
    assert [word["text"] for word in body["words"]] == ["Hello", "how", "are", "you"]
    assert (body["credits_used"], body["credits_remaining"]) == (1, START_CREDITS - 1)
    stage.settle()
    assert stage.charged == [1]


def test_the_audio_is_what_the_streaming_route_sends(stage: Stage) -> None:
    assert base64.b64decode(ask(stage).json()["audio"]) == stage.speak(TEXT).content


@pytest.mark.parametrize("name", ["mp3", "wav", "opus", "flac", "aac"])
def test_every_word_sounds_where_its_times_say(stage: Stage, name: str) -> None:
    body = ask(stage, "Hello cat dog", format=name).json()
    sound = np.abs(decoded(base64.b64decode(body["audio"])))

    assert len(sound) / 24_000 == pytest.approx(body["duration_s"], abs=0.06)
    words = [(round(w["start_s"] * 24_000), round(w["end_s"] * 24_000)) for w in body["words"]]
    for start, end in words:
        assert sound[start + 240 : end - 240].mean() > 0.1
    for (_, end), (start, _) in pairwise(words):  # the silence between two words
        assert sound[end + 240 : start - 240].mean() < 0.02


def test_a_wav_states_its_true_size(stage: Stage) -> None:
    data = base64.b64decode(ask(stage, format="wav").json()["audio"])

    assert int.from_bytes(data[40:44], "little") == len(data) - 44


def test_times_ascend_within_the_duration(stage: Stage) -> None:
    body = ask(stage, TEXT * 20).json()

    for kind in ("words", "phonemes"):
        starts = [item["start_s"] for item in body[kind]]
        assert starts == sorted(starts)
        assert all(item["start_s"] < item["end_s"] for item in body[kind])
        assert body[kind][-1]["end_s"] <= body["duration_s"] + 0.001


def test_a_repeated_request_is_answered_again(stage: Stage) -> None:
    body = {"character_id": stage.character_id, "text": TEXT}

    first = stage.post("/tts/timestamps", body, Idempotency_Key="k1")
    again = stage.post("/tts/timestamps", body, Idempotency_Key="k1")

    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/json"
    assert again.json() == first.json()
    assert stage.charged == [1]


def test_a_failure_anywhere_is_a_502_and_costs_nothing(make_stage: MakeStage) -> None:
    stage = make_stage(WatchedVoice(fail_at=3))

    answer = ask(stage, TEXT * 5)

    assert (answer.status_code, answer.json()["code"]) == (502, "upstream_failed")
    stage.settle()
    assert stage.available == START_CREDITS


def test_too_much_audio_for_one_answer_is_refused_and_costs_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "MAX_COLLECTED_BYTES", 100_000)

    answer = ask(stage, TEXT * 20, format="wav")

    assert (answer.status_code, answer.json()["code"]) == (400, "audio_too_large")
    stage.settle()
    assert stage.available == START_CREDITS
    assert ask(stage, TEXT, format="mp3").status_code == 200


@pytest.mark.parametrize("text", ["", "🎉", "a" * 5_001])
def test_bad_texts_are_refused_as_by_the_streaming_route(stage: Stage, text: str) -> None:
    answer = ask(stage, text)

    assert (answer.status_code, answer.json()["param"]) == (400, "text")
    assert stage.available == START_CREDITS
