"""Secrets and signatures as the Standard Webhooks specification 1.0.0 has them (scheme v1).

A secret derives from the server's own secret, the endpoint and a generation number: the database
holds none, and a rotation is nothing but the next number.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"


class Secrets:
    """The signing secrets of all endpoints."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: the server's own."""
        self._key = hmac.digest(secret, b"charafy webhook signing", "sha256")

    def key(self, endpoint_id: str, generation: int) -> bytes:
        """32 bytes that sign for this endpoint."""
        return hmac.digest(self._key, f"{endpoint_id}.{generation}".encode(), "sha256")

    def shown(self, endpoint_id: str, generation: int) -> str:
        """The secret as its owner gets to see it: `whsec_` and base64."""
        return PREFIX + base64.b64encode(self.key(endpoint_id, generation)).decode()


def sign(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header: one signature per key, in their order.

    `timestamp`: seconds since 1970. `message_id` must hold no full stop.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_hmac(key, content)}" for key in keys)


def _hmac(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
