"""The composition root: which language model characters think with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from charafy.characters.service import OwnModel
from charafy.engines.language import Chat
from charafy.kernel.outside import Outside
from charafy.kernel.settings import Settings

CHAT_MODEL: Final = "qwen-1.5b"
"""See docs/decisions/language.md for the choice."""


def mind_of(settings: Settings, pause: Callable[[], bool]) -> Chat:
    """The model that the settings name; an embedded one is loaded when it first thinks.

    `pause`: while it is true, an embedded model waits at the end of a clause.
    """
    match engine_of(settings):
        case "scripted":
            from charafy.engines.language.scripted import ScriptedChat

            return ScriptedChat()
        case "remote":
            from charafy.engines.language.remote import RemoteChat

            assert settings.llm_base_url is not None
            assert settings.llm_model is not None
            key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
            return RemoteChat(settings.llm_base_url, settings.llm_model, key)
        case _:
            from charafy.engines.language.gguf import EmbeddedChat

            threads = settings.llm_threads or min(2, os.cpu_count() or 1)
            return EmbeddedChat(lambda: _file_of(settings), threads=threads, pause=pause)


def guest_of(outside: Outside, model: OwnModel) -> Chat:
    """A model that a character brings along; `outside` judges where its address leads."""
    from charafy.engines.language.remote import RemoteChat
    from charafy.kernel.judged import JudgedTransport

    return RemoteChat(
        model.base_url,
        model.model,
        model.api_key,
        tls=outside.tls,
        transport=JudgedTransport(outside),
    )


def engine_of(settings: Settings) -> str:
    """`remote`, `embedded` or `scripted`."""
    if settings.llm_engine != "auto":
        return settings.llm_engine
    if settings.llm_base_url is not None:
        return "remote"
    # Who speaks in tones for tests has no use for a model that thinks.
    return "scripted" if settings.voice_engine == "scripted" else "embedded"


def model_of(settings: Settings) -> str | None:
    """The embedded model that the settings name, if it is one of the manifest's."""
    if engine_of(settings) != "embedded" or settings.llm_path is not None:
        return None
    return settings.llm_model or CHAT_MODEL


def _file_of(settings: Settings) -> Path:
    """Where the embedded model lies, fetched if it must be. Raises `OSError`."""
    from charafy.engines.weights import Store

    name = model_of(settings)
    if name is None:
        own = settings.llm_path or Path()
        if not own.is_file():
            raise OSError(f"{own} is no file.")
        return own
    try:
        return Store(settings.models).required(name)
    except KeyError:
        raise OSError(f"There is no model {name}.") from None
