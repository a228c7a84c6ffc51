"""An address of a Redis is taken, or refused in one sentence that tells no secret."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from charafy.cli import refusal
from charafy.kernel.redis_settings import proper_redis_url, redis_shown
from charafy.kernel.settings import Settings


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache.example",
        "redis://:hunter2@cache.example:6380/3",
        "redis://me:p%2Fw@[2001:db8::1]:6379/",
        "rediss://me:hunter2@cache.example/0?ssl_ca_certs=/etc/ssl/ours.pem",
    ],
)
def test_addresses_with_and_without_a_password_are_taken(url: str) -> None:
    assert proper_redis_url(f" {url}\n") == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "is no address"),
        ("cache.example:6379", "is no address"),
        ("me:hunter2@cache.example", "is no address"),
        ("https://me:hunter2@cache.example", "starts with https://"),
        ("unix:///run/redis.sock?password=hunter2", "is no address"),
        ("redis:///0", "names no host"),
        ("redis://:hunter2@", "names no host"),
        ("redis://cache.example:port", "is no address"),
        ("redis://cache.example:0", "names a port"),
        ("redis://me@cache.example", "names a user but no password"),
        ("redis://:@cache.example", "names a user but no password"),
        ("redis://cache.example/first", "names no number of a database"),
        ("redis://:1/hunter2@cache.example", "names no number of a database"),
        ("redis://:hunter2#3@cache.example", "names no number of a database"),
        ("redis://cache.example?socket_timeout=900", "has options"),
        ("rediss://:hunter2@cache.example?ssl_cert_reqs=none", "has options"),
    ],
)
def test_settings_refuse_any_other_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(redis_url=SecretStr(url))
    sentence = refusal(refused.value)
    assert reason in sentence
    assert "CHARAFY_REDIS_URL" in sentence
    assert "hunter2" not in sentence + str(refused.value)


def test_what_is_shown_has_no_password() -> None:
    assert redis_shown("rediss://me:hunter2@cache.example/2?ssl_ca_certs=x") == (
        "rediss://cache.example:6379/2"
    )
    assert redis_shown("redis://:hunter2@[::1]:6380/") == "redis://[::1]:6380"
    assert "hunter2" not in repr(Settings(redis_url=SecretStr("redis://:hunter2@cache.example")))
