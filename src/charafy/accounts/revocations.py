"""Whether anybody, in any process, has taken rights away since a key was looked up."""

from __future__ import annotations

import secrets
from typing import Final

from charafy.kernel.shared import Shared, SharedAway

_ALONE: Final = b""


class Revocations:
    """A mark that all processes read before they trust what they remember. Thread-safe.

    It changes with every revocation. Random, so that one that Redis lost never comes again.
    """

    def __init__(self, shared: Shared | None) -> None:
        """Without `shared` the mark never changes: `Keys` itself knows what this process did."""
        self._shared = shared

    def mark(self) -> bytes | None:
        """None when it can't be read: then nothing that is remembered counts."""
        if self._shared is None:
            return _ALONE
        name = self._shared.key("revocations")
        try:
            found = self._shared.run(lambda redis: redis.get(name))
            if found is None:  # a new Redis, or one that forgot
                self._shared.run(lambda redis: redis.set(name, _new(), nx=True))
                found = self._shared.run(lambda redis: redis.get(name))
        except SharedAway:
            return None
        return found if isinstance(found, bytes) else None

    def change(self) -> None:
        """Call it after the commit. While Redis is away nobody reads the mark either."""
        if self._shared is None:
            return
        name = self._shared.key("revocations")
        try:
            self._shared.run(lambda redis: redis.set(name, _new()))
        except SharedAway:
            return  # whoever still reaches Redis forgets by time, within a second


def _new() -> bytes:
    return secrets.token_bytes(16)
