"""Where LiveKit carries conversations; part of `settings.Settings`."""

from __future__ import annotations

import re
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

_SCHEMES: Final = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
"""Operators know the address by any of these; the server answers both kinds at the same port."""
_SECRET_CHARS: Final = 32


class LiveKitSettings(BaseSettings):
    """All three or none: with them LiveKit carries the media of conversations."""

    livekit_url: str | None = Field(
        None,
        description="LiveKit server that carries the media of conversations "
        "(wss://livekit.example.com); browsers and talk processes both reach it there. Default: "
        "talk processes carry it themselves.",
    )
    livekit_api_key: str | None = Field(None, description="API key of that server.")
    livekit_api_secret: SecretStr | None = Field(
        None, description="Secret of that key: signs the tokens of conversations."
    )

    @field_validator("livekit_url", "livekit_api_key", mode="after")
    @classmethod
    def _no_empty_words(cls, value: str | None) -> str | None:
        """A compose file hands on what nobody set as an empty word."""
        return (value or "").strip() or None

    @model_validator(mode="after")
    def _is_wholly_set_up(self) -> Self:
        secret = self.livekit_api_secret
        given = {
            "CHARAFY_LIVEKIT_URL": self.livekit_url,
            "CHARAFY_LIVEKIT_API_KEY": self.livekit_api_key,
            "CHARAFY_LIVEKIT_API_SECRET": secret.get_secret_value() if secret else None,
        }
        missing = [name for name, value in given.items() if not value]
        if len(missing) == len(given):
            return self
        if missing:
            raise ValueError(
                f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing: LiveKit "
                "needs CHARAFY_LIVEKIT_URL, CHARAFY_LIVEKIT_API_KEY and CHARAFY_LIVEKIT_API_SECRET "
                "together, or none of them."
            )
        if not _is_server(self.livekit_url or ""):
            raise ValueError(
                "CHARAFY_LIVEKIT_URL must be the address of a LiveKit server without a path, like "
                "wss://livekit.example.com."
            )
        if len(given["CHARAFY_LIVEKIT_API_SECRET"] or "") < _SECRET_CHARS:
            raise ValueError(
                f"CHARAFY_LIVEKIT_API_SECRET must have {_SECRET_CHARS} characters at least: who "
                "guesses it can join every conversation."
            )
        return self

    @property
    def livekit_ws_url(self) -> str | None:
        """As clients of LiveKit take it: ws or wss, without a slash at its end."""
        if self.livekit_url is None:
            return None
        parts = urlsplit(self.livekit_url)
        return f"{_SCHEMES[parts.scheme]}://{parts.netloc}"

    @property
    def livekit_sources(self) -> tuple[str, ...]:
        """What pages connect to for it: its WebSocket, and the same by HTTP. None without it."""
        url = self.livekit_ws_url
        return (url, "http" + url.removeprefix("ws")) if url else ()


def _is_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets or a port that are none
        return False
    extra = parts.path.rstrip("/") or parts.query or parts.fragment or parts.username
    plain = re.fullmatch(r"[\w.:\[\]-]+", parts.netloc) is not None  # goes into a policy
    return parts.scheme in _SCHEMES and named and plain and not extra
