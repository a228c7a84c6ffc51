"""The settings of the language model that characters think with; part of `settings.Settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings


class LanguageSettings(BaseSettings):
    """Which model answers in live conversations."""

    llm_engine: Literal["auto", "remote", "embedded", "scripted"] = Field(
        "auto",
        description="`remote` asks `llm_base_url`, `embedded` a model on this machine, `scripted` "
        "none; `auto`: the address if there is one.",
    )
    llm_base_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="OpenAI-compatible address with its version, such as https://host/v1.",
    )
    llm_api_key: SecretStr | None = Field(None, description="Key for that address.")
    llm_model: str | None = Field(
        None, description="Model to ask for there, or which embedded one (its name in `models`)."
    )
    llm_path: Path | None = Field(
        None, description="A GGUF file of your own for the embedded engine."
    )
    llm_threads: int = Field(
        0, ge=0, le=64, description="Threads of the embedded model; 0: two at most."
    )

    llm_allowed_hosts: tuple[str, ...] = Field(
        (),
        description="host:port pairs that a character's own `llm_base_url` may name although they "
        "are not public or not https, such as 127.0.0.1:11434, as JSON.",
    )

    @model_validator(mode="after")
    def _model_is_named(self) -> Self:
        if self.llm_engine == "remote" and self.llm_base_url is None:
            raise ValueError("llm_engine=remote needs llm_base_url")
        if self.llm_base_url is not None and self.llm_model is None:
            raise ValueError("llm_base_url needs llm_model")
        return self
