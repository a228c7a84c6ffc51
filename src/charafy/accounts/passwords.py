"""Passwords: argon2id, a few at a time, and as slow for unknown addresses as for known ones."""

from __future__ import annotations

import base64
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from charafy.kernel.errors import BadRequest, TooManyRequests

MIN_CHARS = 10
MAX_CHARS = 256
WAIT_S = 5.0


class Passwords:
    """Hashes and checks passwords. Each takes 64 MB, so only `at_once` run, others wait 5 s."""

    def __init__(self, at_once: int = 2, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = threading.BoundedSemaphore(at_once)
        self._decoy = _decoy(self._hasher)

    def hash(self, password: str, param: str = "password") -> str:
        """Raises `BadRequest` for a password that is too short or too long."""
        password = _normalised(password)
        if not MIN_CHARS <= len(password) <= MAX_CHARS:
            raise BadRequest(
                f"{param}: must have between {MIN_CHARS} and {MAX_CHARS} characters.", param=param
            )
        with self._slot():
            return self._hasher.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Takes the same time whether there is a stored hash or not."""
        with self._slot():
            try:
                self._hasher.verify(stored or self._decoy, _normalised(password)[:MAX_CHARS])
            except (VerifyMismatchError, VerificationError, InvalidHashError):
                return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether it was hashed with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=WAIT_S):
            raise TooManyRequests("Too many people are signing in just now.", retry_after_s=5)
        try:
            yield
        finally:
            self._slots.release()


def _normalised(password: str) -> str:
    """Keyboards compose accents and widths differently; NFKC makes them one password."""
    return unicodedata.normalize("NFKC", password)


def _decoy(hasher: PasswordHasher) -> str:
    """A hash in today's parameters that no password has, made without hashing anything."""

    def part(length: int) -> str:
        return base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=")

    return (
        f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
        f"${part(hasher.salt_len)}${part(hasher.hash_len)}"
    )
