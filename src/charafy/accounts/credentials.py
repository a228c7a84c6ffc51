"""The secrets that accounts hand out, and the only form in which they are stored.

An API key is `ck_live_` or `ck_test_`, 40 random base62 characters (238 bits) and six characters
of CRC-32: a typo or a truncated paste is refused without asking the database, and scanners that
search code for leaked secrets recognise a key for certain.
"""

from __future__ import annotations

import hmac
import secrets
import string
import zlib
from collections.abc import Mapping
from types import MappingProxyType

from charafy.accounts.models import KeyKind

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ALPHABET = frozenset(_BASE62)
_RANDOM_CHARS = 40
_CHECKSUM_CHARS = 6
_PREFIXES: Mapping[str, KeyKind] = MappingProxyType({"ck_live_": "live", "ck_test_": "test"})
_PREFIX_CHARS = 8
KEY_CHARS = _PREFIX_CHARS + _RANDOM_CHARS + _CHECKSUM_CHARS


def new_key(kind: KeyKind) -> str:
    start = f"ck_{kind}_" + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_CHARS))
    return start + _checksum(start)


def key_kind(key: str) -> KeyKind | None:
    """Which kind of key this is; None when it can't be one of ours."""
    kind = _PREFIXES.get(key[:_PREFIX_CHARS])
    if kind is None or len(key) != KEY_CHARS or not _ALPHABET.issuperset(key[_PREFIX_CHARS:]):
        return None
    return kind if key[-_CHECKSUM_CHARS:] == _checksum(key[:-_CHECKSUM_CHARS]) else None


def new_token() -> str:
    """256 bits for cookies and links."""
    return secrets.token_urlsafe(32)


class Digests:
    """Keyed one-way digests: a stolen database holds nothing that anyone can sign in with.

    Looking a digest up by an index leaks no useful timing: without the server's secret nobody
    can choose its bytes.
    """

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, f"charafy {purpose}".encode(), "sha256")

    def of(self, token: str) -> str:
        return hmac.digest(self._key, token.encode(), "sha256").hex()


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_CHARS):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
