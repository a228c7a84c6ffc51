"""The settings of traces; part of `settings.Settings`."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

_PATH = "/v1/traces"


class TraceSettings(BaseSettings):
    """Where spans go. Without an address nothing is traced and nothing of it is loaded."""

    otlp_url: str | None = Field(
        None,
        description="OpenTelemetry collector that gets traces by OTLP over HTTP (protobuf), such "
        "as http://127.0.0.1:4318; without it nothing is traced.",
    )
    otlp_headers: SecretStr | None = Field(
        None, description="Headers to send along to it, as name=value, several with commas between."
    )
    trace_ratio: float = Field(1.0, ge=0, le=1, description="Share of requests that are traced.")

    @model_validator(mode="after")
    def _knows_where_to(self) -> Self:
        if self.otlp_url is None:
            if self.otlp_headers is not None:
                raise ValueError("CHARAFY_OTLP_HEADERS is set without CHARAFY_OTLP_URL.")
            return self
        try:
            parts = urlsplit(self.otlp_url)
            proper = parts.scheme in ("http", "https") and bool(parts.hostname)
            assert parts.port is None or parts.port
        except (ValueError, AssertionError):
            proper = False
        if not proper or "@" in parts.netloc:
            raise ValueError(
                "CHARAFY_OTLP_URL must be http://host:port or https://host; what proves who sends "
                "goes into CHARAFY_OTLP_HEADERS."
            )
        if any("=" not in header for header in self._headers()):
            raise ValueError(
                "CHARAFY_OTLP_HEADERS must be name=value, several with commas between."
            )
        return self

    @property
    def otlp_endpoint(self) -> str | None:
        """Where spans are posted to: a bare address gets the path that collectors listen at."""
        if self.otlp_url is None:
            return None
        bare = urlsplit(self.otlp_url).path in ("", "/")
        return self.otlp_url.rstrip("/") + _PATH if bare else self.otlp_url

    @property
    def otlp_header_map(self) -> dict[str, str]:
        """The headers by name: secrets, not to be shown."""
        pairs = (header.partition("=") for header in self._headers())
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def _headers(self) -> list[str]:
        given = self.otlp_headers.get_secret_value() if self.otlp_headers else ""
        return [header for header in given.split(",") if header.strip()]
