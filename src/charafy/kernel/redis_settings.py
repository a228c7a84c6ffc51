"""The address of the Redis that processes share; part of `settings.Settings`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from charafy.kernel.refused import StartRefused

_SETTING: Final = "CHARAFY_REDIS_URL"
_SHAPE: Final = "redis://:password@host:6379/0"
_OPTIONS: Final = frozenset({"ssl_ca_certs"})
"""Of the address' query; what else the client takes there could undo bounds or checks of ours."""


class RedisRefused(StartRefused):
    """Redis can't be used as it is; the message is one sentence and holds no secret."""


class RedisSettings(BaseSettings):
    redis_url: SecretStr | None = Field(
        None,
        description="Redis or Valkey: redis://user:password@host:6379/0, or rediss:// for TLS; "
        "several API processes count limits and end keys together through it. Without it each "
        "counts by itself.",
    )

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        try:
            return SecretStr(proper_redis_url(url.get_secret_value()))
        except RedisRefused as error:
            raise ValueError(str(error)) from None


def proper_redis_url(url: str) -> str:
    """The address without spaces around it. Raises `RedisRefused` for what is none of a Redis."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        wrong = _wrong(parts)
    except ValueError:  # a port or an IPv6 address that is none
        wrong = "is no address of a Redis"
    if wrong:
        raise RedisRefused(f"{_SETTING} {wrong}: write {_SHAPE}.")
    return url


def redis_shown(url: str) -> str:
    """The address for logs and people: no user, no password, no options."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path.rstrip('/')}"


def _wrong(parts: SplitResult) -> str | None:
    """Of what is wrong, the first; for a sentence that begins with the setting's name."""
    return next((says for is_so, says in _faults(parts) if is_so), None)


def _faults(parts: SplitResult) -> Iterator[tuple[bool, str]]:
    known = parts.scheme in ("redis", "rediss")
    # Without "//" the first word may be a user's name or a password.
    yield not known and not parts.netloc, "is no address of a Redis"
    yield (
        not known,
        f"starts with {parts.scheme}://, but Charafy works with redis:// and rediss:// only",
    )
    # A password with an unescaped # or / ends the host early.
    yield (
        bool(parts.fragment) or not re.fullmatch(r"/?\d*", parts.path),
        "names no number of a database, or its password is not percent-encoded",
    )
    yield not parts.hostname, "names no host"
    yield parts.port == 0, "names a port that is none"
    yield parts.username is not None and not parts.password, "names a user but no password"
    unknown = parse_qs(parts.query, keep_blank_values=True).keys() - _OPTIONS
    yield (
        bool(unknown) or (bool(parts.query) and parts.scheme == "redis"),
        "has options that are not taken: after the ? there may only be ssl_ca_certs, for TLS",
    )
