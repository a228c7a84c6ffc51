"""Which language model the settings name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from charafy.engines.language import Asked, ChatFailed, Message
from charafy.engines.language.remote import RemoteChat
from charafy.engines.language.scripted import ScriptedChat
from charafy.engines.weights import MANIFEST
from charafy.kernel.settings import Settings
from charafy.minds import CHAT_MODEL, engine_of, mind_of, model_of

ASKED = Asked((Message("user", "Hi"),), "en")


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


def never() -> bool:
    return False


def test_without_an_address_it_thinks_on_this_machine_with_a_model_that_can_be_fetched() -> None:
    assert engine_of(settings()) == "embedded"
    assert model_of(settings()) == CHAT_MODEL
    assert CHAT_MODEL in MANIFEST


def test_an_address_is_asked_and_nothing_need_be_fetched() -> None:
    house = settings(llm_base_url="http://127.0.0.1:9/v1", llm_model="some-model")
    chat = mind_of(house, never)
    assert isinstance(chat, RemoteChat)
    chat.close()
    assert model_of(house) is None


def test_an_address_may_be_kept_and_not_asked() -> None:
    house = settings(
        llm_base_url="http://127.0.0.1:9/v1", llm_model="qwen-1.5b", llm_engine="embedded"
    )
    assert model_of(house) == "qwen-1.5b"


@pytest.mark.parametrize("values", [{"llm_engine": "scripted"}, {"voice_engine": "scripted"}])
def test_who_speaks_or_thinks_by_script_loads_no_model(values: dict[str, str]) -> None:
    assert isinstance(mind_of(settings(**values), never), ScriptedChat)
    assert model_of(settings(**values)) is None


@pytest.mark.parametrize(
    "values",
    [
        {"llm_engine": "remote"},
        {"llm_base_url": "http://127.0.0.1:9/v1"},
        {"llm_base_url": "ftp://127.0.0.1/v1", "llm_model": "m"},
    ],
)
def test_half_an_address_is_refused_when_settings_are_read(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(**values)


def test_a_file_of_ones_own_is_used_and_nothing_fetched_for_it(tmp_path: Path) -> None:
    house = settings(llm_path=tmp_path / "own.gguf")
    assert model_of(house) is None
    with pytest.raises(ChatFailed):
        list(mind_of(house, never).reply(ASKED))


def test_a_model_that_nobody_knows_fails_in_our_words(tmp_path: Path) -> None:
    house = settings(models=tmp_path, llm_model="gpt-9")
    with pytest.raises(ChatFailed) as failed:
        list(mind_of(house, never).reply(ASKED))
    assert str(tmp_path) not in str(failed.value)
