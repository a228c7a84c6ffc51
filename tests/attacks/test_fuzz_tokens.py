"""Tokens, keys, cookies and links that somebody spoilt, or made without our secret: none lets in.

What is refused is refused in our own words, whatever it holds.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from charafy.accounts.credentials import key_kind, new_key
from charafy.conversations.tokens import Tokens
from charafy.embed.tokens import PageTokens
from charafy.kernel.errors import Unauthorized
from tests.conversations.test_tokens import CLOCK, KEY, OURS, SECRET, TALK
from tests.support.fuzz import Json, fuzzed, json_values, scalars, spoilt

CHARACTER: Final = "5f0c1f0e-58a9-4f3e-9d0a-6c1f6d3f2a11"

Read = Callable[[str], object]


@cache
def talks() -> tuple[str, Read]:
    tokens = Tokens(SECRET, OURS, CLOCK)
    return tokens.make(TALK, "Mika", "https://example.com"), tokens.read


@cache
def pages() -> tuple[str, Read]:
    tokens = PageTokens(SECRET, CLOCK)
    good = tokens.make(CHARACTER, "https://example.com")
    return good, lambda token: tokens.read(token, CHARACTER)


KINDS: Final = [talks, pages]


def part(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_token_is_read(kind: Callable[[], tuple[str, Read]]) -> None:
    good, read = kind()
    assert read(good)


@pytest.mark.parametrize("kind", KINDS)
@fuzzed(60, data=st.data())
def test_a_spoilt_token_is_refused(
    kind: Callable[[], tuple[str, Read]], data: st.DataObject
) -> None:
    good, read = kind()
    other = (pages if kind is talks else talks)()[0]
    token = data.draw(spoilt([good, other]))
    if token != good:
        with pytest.raises(Unauthorized):
            read(token)


HEADERS: Final[st.SearchStrategy[dict[str, Json]]] = st.fixed_dictionaries(
    {"alg": st.sampled_from(["HS256", "none", "HS512", "RS256", "dir", "", None, ["HS256"], {}])},
    optional=dict.fromkeys(
        ("crit", "b64", "kid", "jwk", "jku", "x5c", "typ", "cty", "enc", "zip", "exp"),
        scalars | json_values,
    ),
)


@pytest.mark.parametrize("kind", KINDS)
@fuzzed(60, header=HEADERS, claims=json_values, rest=spoilt(["c2ln", "", "..", "c2ln.c2ln.c2ln"]))
def test_headers_that_nobody_signed_are_not_believed(
    kind: Callable[[], tuple[str, Read]], header: Json, claims: Json, rest: str
) -> None:
    with pytest.raises(Unauthorized):
        kind()[1](f"{part(header)}.{part(claims)}.{rest}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("opening", ['{"alg":"HS256","x":', ""])
def test_nesting_without_an_end_is_refused(
    kind: Callable[[], tuple[str, Read]], opening: str
) -> None:
    for depth in (700, 2_900, 100_000):
        head = base64.urlsafe_b64encode((opening + "[" * depth).encode()).decode().rstrip("=")
        with pytest.raises(Unauthorized):
            kind()[1](f"{head}.e30.c2ln")


@fuzzed(
    80,
    changed=st.dictionaries(
        st.sampled_from(["iss", "sub", "nbf", "exp", "jti", "video", "charafy"]),
        json_values,
        min_size=1,
    ),
    about=st.dictionaries(st.sampled_from(["v", "cid", "limit", "trace"]), json_values),
)
def test_claims_of_who_has_the_key_are_read_or_refused(
    changed: dict[str, Json], about: dict[str, Json]
) -> None:
    """LiveKit's key is the operator's: other programs of theirs sign with it too."""
    good = json.loads(base64.urlsafe_b64decode(talks()[0].split(".")[1] + "=="))
    claims: dict[str, Any] = {**good, **changed}
    if isinstance(claims["charafy"], dict):
        claims["charafy"] = {**claims["charafy"], **about}
    key = OctKey.import_key(KEY)
    try:
        signed = jwt.encode({"alg": "HS256"}, claims, key, algorithms=["HS256"])
    except (ValueError, TypeError):  # what this library doesn't sign itself
        return
    with suppress(Unauthorized):
        assert Tokens(SECRET, OURS, CLOCK).read(signed, even_expired=True).conversation_id


@pytest.mark.parametrize("expires", [10**15, 10**400, True])
def test_a_token_that_never_expires_is_none_of_ours(expires: int) -> None:
    good = json.loads(base64.urlsafe_b64decode(talks()[0].split(".")[1] + "=="))
    key = OctKey.import_key(KEY)
    signed = jwt.encode({"alg": "HS256"}, {**good, "exp": expires}, key, algorithms=["HS256"])
    with pytest.raises(Unauthorized):
        Tokens(SECRET, OURS, CLOCK).read(signed)


@fuzzed(200, key=spoilt([new_key("live"), new_key("test")]))
def test_a_spoilt_key_is_none(key: str) -> None:
    assert key_kind(key) in (None, "live", "test")
