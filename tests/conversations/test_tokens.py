"""Tokens: LiveKit's own form, our own claim, and nothing that others made."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import SecretStr, ValidationError

from charafy.conversations.tokens import LIFE, Tokens
from charafy.kernel.errors import Unauthorized
from charafy.kernel.settings import Settings
from tests.conversations.test_price import ANY
from tests.support.clock import ManualClock

SECRET = b"s" * 32
ID = "0d6a2a35-4a4f-4a57-9d0e-0a5b0f1c7a11"
TALK = replace(ANY, conversation_id=ID, state="minted")
KEY = "k" * 32
CLOCK = ManualClock()
OURS = Settings(
    livekit_url="wss://livekit.example.com",
    livekit_api_key="devkey",
    livekit_api_secret=SecretStr(KEY),
)


def tokens(clock: ManualClock | None = None, secret: bytes = SECRET) -> Tokens:
    return Tokens(secret, Settings(), clock or ManualClock())


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def forged(changes: dict[str, Any], *, key: str = KEY, algorithm: str = "HS256") -> str:
    """What somebody with `key` would make of a good token's claims."""
    good = claims_of(Tokens(SECRET, OURS, CLOCK).make(TALK, "Mika", "https://example.com"))
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(key), algorithms=[algorithm])


def test_it_is_an_access_token_as_livekit_reads_them() -> None:
    """LiveKit's verifier wants HS256, `iss` = its key, `nbf`, `exp`, `sub`; and never an `aud`."""
    token = Tokens(SECRET, OURS, CLOCK).make(TALK, "Mika", "https://example.com/connect")
    assert jwt.decode(token, OctKey.import_key(KEY), algorithms=["HS256"]).header["alg"] == "HS256"
    claims = claims_of(token)
    now = int(CLOCK.now().timestamp())
    assert claims["iss"] == "devkey"
    assert claims["nbf"] <= now
    assert claims["exp"] == now + 3_600
    assert "aud" not in claims
    assert (claims["name"], claims["sub"], claims["metadata"]) == ("Mika", f"visitor-{ID}", "")
    assert claims["video"] == {
        "room": ID,
        "roomJoin": True,
        "canPublish": True,
        "canPublishSources": ["microphone"],
        "canSubscribe": True,
        "canPublishData": True,
    }
    assert claims["charafy"] == {
        "v": 1,
        "cid": ID,
        "mode": "video",
        "limit": 600,
        "url": "https://example.com/connect",
    }


def test_key_and_secret_derive_from_the_house_s_secret() -> None:
    first, again, other = tokens(), tokens(), tokens(secret=b"t" * 32)
    token = first.make(TALK, "Visitor", "")
    assert again.read(token).conversation_id == ID
    assert claims_of(token)["iss"].startswith("CHR")
    assert SECRET.hex() not in token
    with pytest.raises(Unauthorized):
        other.read(token)


def test_it_is_good_for_an_hour() -> None:
    clock = ManualClock()
    token = tokens(clock).make(TALK, "Visitor", "")
    clock.advance(LIFE.total_seconds() - 1)
    read = tokens(clock).read(token)
    assert read.expires_at == datetime(2026, 1, 1, 1, tzinfo=UTC)
    clock.advance(1)
    with pytest.raises(Unauthorized) as expired:
        tokens(clock).read(token)
    assert expired.value.code == "token_expired"
    assert tokens(clock).read(token, even_expired=True).conversation_id == ID


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"iss": None},
        {"exp": None},
        {"exp": "never"},
        {"exp": 1e30},
        {"exp": True},
        {"nbf": None},
        {"nbf": 99_999_999_999},
        {"charafy": None},
        {"charafy": []},
        {"charafy": {"v": 2, "cid": ID}},
        {"charafy": {"v": 1}},
        {"charafy": {"v": 1, "cid": 5}},
        {"charafy": {"v": 1, "cid": "' OR 1=1"}},
    ],
)
def test_claims_that_we_never_make_are_not_believed(changes: dict[str, Any]) -> None:
    """Even signed with our key: LiveKit's own server makes tokens with it too."""
    with pytest.raises(Unauthorized):
        Tokens(SECRET, OURS, CLOCK).read(forged(changes))


def test_signatures_of_others_are_not_believed() -> None:
    ours = Tokens(SECRET, OURS, CLOCK)
    assert ours.read(forged({})).conversation_id == ID
    for token in (forged({}, key="x" * 32), forged({}, algorithm="HS512")):
        with pytest.raises(Unauthorized):
            ours.read(token)
    head, body, _ = forged({}).split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for token in (f"{none}.{body}.", f"{head}.{body}.", f"{none}.{body}"):
        with pytest.raises(Unauthorized):
            ours.read(token)


@given(st.text(max_size=300) | st.from_regex(r"[\w-]{1,40}\.[\w-]{1,40}\.[\w-]{0,40}"))
def test_nonsense_is_no_token(text: str) -> None:
    with pytest.raises(Unauthorized):
        Tokens(SECRET, OURS, CLOCK).read(text)


def test_settings_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(turn_urls=("turn:example.com",))
