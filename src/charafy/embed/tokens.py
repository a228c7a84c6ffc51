"""Tokens that our embed page sends back when its visitor wants to talk.

One says: this page was served for this character, framed by a page of this origin, not long ago. A
page that is kept open gets a new one for its old one, so a token that leaks is soon worth nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from charafy.kernel.clock import Clock
from charafy.kernel.errors import Unauthorized

LIFE: Final = timedelta(minutes=5)
RENEWABLE: Final = timedelta(hours=24)
"""How long a page may stay open and still get a new one."""
MAX_CHARS: Final = 1_000
_ALGORITHMS: Final = ["HS256"]


@dataclass(frozen=True, slots=True)
class PageClaims:
    character_id: str
    origin: str
    """Of the page around ours, as its browser told when it asked for ours; "": it did not."""


class PageTokens:
    """Makes and reads them. Thread-safe."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        key = hmac.new(secret, b"charafy embed page", hashlib.sha256).hexdigest()
        self._key = OctKey.import_key(key)
        self._clock = clock

    def make(self, character_id: str, origin: str) -> str:
        claims = {
            "iat": int(self._clock.now().timestamp()),
            "chr": character_id,
            "org": origin,
        }
        return jwt.encode({"alg": "HS256"}, claims, self._key, algorithms=_ALGORITHMS)

    def read(self, token: str, character_id: str, life: timedelta = LIFE) -> PageClaims:
        """Raises `Unauthorized`: `page_expired` when it was one of ours and is to be renewed."""
        claims = self._verified(token)
        issued, character, origin = claims.get("iat"), claims.get("chr"), claims.get("org")
        if character != character_id or not isinstance(issued, int) or not isinstance(origin, str):
            raise _invalid()
        if self._clock.now().timestamp() - issued >= life.total_seconds():
            raise Unauthorized(
                "This page was open for too long: load it again.", code="page_expired"
            )
        return PageClaims(character_id, origin)

    def _verified(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_CHARS:
            raise _invalid()
        try:
            return jwt.decode(token, self._key, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError, TypeError):
            # The latter two: the library's words for what isn't base64, JSON or text in there.
            raise _invalid() from None


def _invalid() -> Unauthorized:
    return Unauthorized("This page is none of ours: load it again.", code="page_unknown")
