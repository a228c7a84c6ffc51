"""OpenAI's own Python client, with nothing but another address and key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from openai import OpenAI

from charafy.kernel.media.audio import AUDIO_FORMATS
from tests.support.server import Server

MAGIC = {
    "mp3": (b"ID3", b"\xff"),
    "wav": (b"RIFF",),
    "flac": (b"fLaC",),
    "opus": (b"OggS",),
    "aac": (b"\xff",),
    "pcm": (b"",),
}


@pytest.fixture
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=f"{server.base_url}/api/v1", api_key=server.api_key, max_retries=0, timeout=30
    ) as client:
        yield client


@pytest.fixture(scope="module")
def character_id(server: Server) -> str:
    answer = httpx.get(
        f"{server.base_url}/api/v1/characters", headers={"x-api-key": server.api_key}
    )
    return str(answer.json()["characters"][0]["character_id"])


def test_models_are_listed(client: OpenAI) -> None:
    models = list(client.models.list())

    assert {"kokoro", "tts-1", "gpt-4o-mini-tts"} <= {model.id for model in models}
    assert all(model.object == "model" and model.created > 0 for model in models)


def test_one_model_is_shown_and_an_unknown_one_is_not_found(client: OpenAI) -> None:
    assert client.models.retrieve("kokoro").owned_by == "charafy"
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("davinci")
    assert "no such model" in str(raised.value.body)


@pytest.mark.parametrize("audio_format", AUDIO_FORMATS)
def test_speech_comes_in_every_format_of_openai_s(
    client: OpenAI, character_id: str, audio_format: str
) -> None:
    speech = client.audio.speech.create(
        model="tts-1",
        voice=character_id,
        input="Hello!",
        response_format=audio_format,  # type: ignore[arg-type]
    )

    audio = speech.read()
    assert audio.startswith(MAGIC[audio_format])
    assert len(audio) > 2_000


@pytest.mark.parametrize("voice", ["alloy", "nova", "af_heart"])
def test_voices_of_openai_and_ours_are_known_by_name(client: OpenAI, voice: str) -> None:
    speech = client.audio.speech.create(model="gpt-4o-mini-tts", voice=voice, input="Hello!")
    assert len(speech.read()) > 2_000


def test_speech_streams_into_a_file(client: OpenAI, character_id: str, tmp_path: Path) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="kokoro", voice=character_id, input="Hello! How are you today?", speed=1.5
    ) as response:
        assert response.headers["content-type"] == "audio/mpeg"
        assert response.headers["x-credits-used"] == "1"
        response.stream_to_file(tmp_path / "speech.mp3")

    assert (tmp_path / "speech.mp3").stat().st_size > 2_000


def test_a_wrong_key_raises_what_openai_s_users_catch(server: Server) -> None:
    stranger = OpenAI(
        base_url=f"{server.base_url}/api/v1", api_key="ck_live_nonsense", max_retries=0
    )
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"input": ""}, openai.BadRequestError),
        ({"input": "a" * 5_001}, openai.BadRequestError),
        ({"speed": 4.0}, openai.BadRequestError),
        ({"response_format": "midi"}, openai.BadRequestError),
        ({"model": "davinci"}, openai.NotFoundError),
        ({"voice": "00000000-0000-4000-8000-000000000000"}, openai.APIStatusError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_mistakes_raise_with_our_sentence_as_the_body(
    client: OpenAI, changed: dict[str, object], error: type[openai.APIStatusError]
) -> None:
    request = {"model": "kokoro", "voice": "af_heart", "input": "Hello!", **changed}
    with pytest.raises(error) as raised:
        client.audio.speech.create(**request)  # type: ignore[arg-type]
    assert raised.value.status_code in (400, 404)
    assert next(iter(changed)) in str(raised.value.body)
