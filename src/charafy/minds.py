"""The composition root: which language model characters think with."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from charafy.engines.language import Chat
from charafy.kernel.settings import Settings

CHAT_MODEL: Final = "qwen-0.5b"
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
            from charafy.engines.weights import Store

            store = Store(settings.models)
            own, name = settings.llm_path, settings.llm_model or CHAT_MODEL
            threads = settings.llm_threads or min(2, os.cpu_count() or 1)
            return EmbeddedChat(lambda: own or store.ensure(name), threads=threads, pause=pause)


def engine_of(settings: Settings) -> str:
    """`remote`, `embedded` or `scripted`."""
    if settings.llm_engine != "auto":
        return settings.llm_engine
    if settings.llm_base_url is not None:
        return "remote"
    # Who speaks in tones for tests has no use for a model that thinks.
    return "scripted" if settings.voice_engine == "scripted" else "embedded"
