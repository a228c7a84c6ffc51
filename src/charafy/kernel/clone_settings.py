"""The settings of services that clone voices and speak with them; part of `settings.Settings`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class CloneServiceSettings(BaseSettings):
    """Those that are set up can speak, whoever `CHARAFY_CLONER` says clones."""

    clone_openai_url: str | None = Field(
        None,
        description="Base URL, mostly ending in /v1, of an OpenAI-compatible speech service that "
        "imitates recordings (vLLM-Omni, Chatterbox); without it voices it cloned can't speak.",
    )
    clone_openai_api_key: SecretStr | None = Field(
        None, description="API key of that service, if it wants one."
    )
    clone_openai_model: str | None = Field(
        None, description="Model to ask it for; default: the one it serves."
    )
    clone_openai_reference: Literal["data-uri", "base64", "vllm-omni", "chatterbox"] = Field(
        "data-uri",
        description="How it gets a recording: in every request as a data: URI or as bare base64, "
        "or once, kept by the server, as vLLM-Omni or Chatterbox servers take it.",
    )
    clone_openai_audio_field: str = Field(
        "ref_audio", description="Field of a request that holds the recording."
    )
    clone_openai_text_field: str = Field(
        "ref_text", description="Field of a request that holds what is said in the recording."
    )
    clone_openai_fields: dict[str, Any] = Field(
        default_factory=dict,
        description="Fields to add to every request for speech, as JSON; null takes one out.",
    )
    clone_elevenlabs_api_key: SecretStr | None = Field(
        None,
        description="API key of ElevenLabs or of what imitates it; without it voices cloned there "
        "can't speak.",
    )
    clone_elevenlabs_url: str | None = Field(
        None, description="Address of ElevenLabs' API, if it is another than theirs."
    )
    clone_elevenlabs_model: str | None = Field(
        None, description="Model that speaks there; default: eleven_multilingual_v2."
    )
    clone_elevenlabs_clean: bool = Field(
        False, description="Whether ElevenLabs takes background noise out of recordings first."
    )
    clone_timeout_s: float = Field(
        30.0,
        gt=0,
        le=600,
        description="Seconds to wait for the next piece of a service's answer; a whole answer may "
        "take four times as long, but cloning waits 150 seconds in all.",
    )
