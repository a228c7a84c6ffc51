"""Secrets of users that we must be able to say again: what the database holds of them is sealed.

Sealed with a key that derives from the server's own secret, for one purpose and one owner: a seal
that was copied to somebody else's row opens nothing there.
"""

from __future__ import annotations

import hmac
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_KEY: Final = "dir"
_CIPHER: Final = "A256GCM"


class CannotOpen(Exception):
    """It was sealed for something else, with another secret, or is none of our seals."""


class Seal:
    """For one purpose. Thread-safe."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        """`secret`: the server's own."""
        self._key = hmac.digest(secret, f"charafy sealed {purpose}".encode(), "sha256")

    def close(self, owner: str, text: str) -> str:
        """`text`, sealed for `owner`: ASCII, another one every time."""
        header = {"alg": _KEY, "enc": _CIPHER}
        return jwe.encrypt_compact(header, text.encode(), self._of(owner))

    def open(self, owner: str, sealed: str) -> str:
        """What was sealed for `owner`. Raises `CannotOpen`."""
        try:
            found = jwe.decrypt_compact(sealed, self._of(owner), algorithms=[_KEY, _CIPHER])
        except (JoseError, ValueError):
            raise CannotOpen from None
        return (found.plaintext or b"").decode()

    def _of(self, owner: str) -> OctKey:
        return OctKey.import_key(hmac.digest(self._key, owner.encode(), "sha256"))
