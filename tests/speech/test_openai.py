"""The official OpenAI client against this server, with nothing but another address and key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from charafy.speech.openai_routes import ALIASES, MODELS
from charafy.voices.presets import PRESETS
from charafy.voices.service import preset_id
from tests.support.speech import START_CREDITS, Stage, serving


@pytest.fixture
def client(stage: Stage) -> Iterator[OpenAI]:
    with (
        serving(stage.app) as url,
        OpenAI(base_url=f"{url}/api/v1", api_key="live", max_retries=0, timeout=20) as client,
    ):
        yield client


def say(client: OpenAI, text: str = "Hello!", **more: Any) -> bytes:
    given = {"model": "tts-1", "voice": "alloy", "input": text} | more
    return client.audio.speech.create(**given).read()


def test_speech_create_gives_an_mp3(stage: Stage, client: OpenAI) -> None:
    data = say(client)

    assert data[0] == 0xFF and data[1] & 0xE0 == 0xE0
    stage.settle()
    assert stage.charged == [1]


def test_streaming_gives_the_same_audio_in_pieces(client: OpenAI) -> None:
    text = "Seven words are in every single sentence. " * 10
    asked: dict[str, Any] = {"model": "kokoro", "voice": "af_heart", "input": text}

    with client.audio.speech.with_streaming_response.create(**asked) as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        pieces = list(answer.iter_bytes())

    assert len(pieces) > 1
    assert b"".join(pieces) == say(client, **asked, text=text)


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_every_format_that_the_client_knows(client: OpenAI, name: str) -> None:
    assert len(say(client, response_format=name)) > 500


def test_a_voice_may_be_named_in_every_way(stage: Stage, client: OpenAI) -> None:
    names: list[Any] = ["af_heart", "Heart", "AF_HEART", preset_id("af_heart"), stage.character_id]
    names += ["marin", {"id": preset_id("af_heart")}]

    spoken = {say(client, voice=name, response_format="pcm") for name in names}

    assert len(spoken) == 1
    assert say(client, voice="alloy", response_format="pcm") not in spoken


def test_the_ledger_names_a_character_that_spoke_and_no_voice(stage: Stage, client: OpenAI) -> None:
    for name in (stage.character_id, "af_heart"):
        say(client, voice=name, response_format="pcm")
        stage.settle()
    with stage.db.read() as tx:
        newest = stage.credits.recent(tx, stage.account_id, 2)
    assert [one.character_id for one in newest] == [None, stage.character_id]


def test_every_openai_voice_name_stands_for_a_preset() -> None:
    assert set(ALIASES.values()) <= {preset.engine_voice for preset in PRESETS}


def test_instructions_are_accepted(client: OpenAI) -> None:
    assert say(client, model="gpt-4o-mini-tts", instructions="Speak like a pirate.")


def test_models_are_listed_and_found(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == list(MODELS)
    assert client.models.retrieve("kokoro").owned_by == "charafy"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": ""}, "input: must not be empty."),
        ({"text": "🎉"}, "input: there is nothing to say"),
        ({"voice": "nobody"}, "voice: there is no such voice"),
        ({"voice": "11111111-1111-4111-8111-111111111111"}, "voice: there is no such voice"),
        ({"response_format": "mp5"}, "response_format: must be"),
        ({"speed": 4.0}, "speed: must be less than or equal to 2"),
        ({"speed": 0.25}, "speed: must be greater than or equal to 0.5"),
        ({"stream_format": "sse"}, "stream_format: must be"),
    ],
)
def test_bad_requests_raise_the_clients_own_error_with_our_sentence_as_body(
    stage: Stage, client: OpenAI, wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        say(client, **wrong)

    assert sentence in str(refused.value.body)
    assert stage.available == START_CREDITS


def test_someone_elses_character_is_no_voice(stage: Stage, client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        say(client, voice=stage.other_character_id)

    assert "no such voice" in str(refused.value.body)


def test_an_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        say(client, model="whisper-1")

    assert "no such model" in str(refused.value.body)


def test_a_wrong_key_is_an_authentication_error(client: OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        say(client.with_options(api_key="sk-wrong"))


def test_without_credits_the_client_sees_402(stage: Stage, client: OpenAI) -> None:
    stage.spend_all_but(0)

    with pytest.raises(openai.APIStatusError) as refused:
        say(client)

    assert refused.value.status_code == 402
    assert "needs 1 credit" in str(refused.value.body)
