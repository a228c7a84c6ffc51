"""Hashing is slow on purpose, so it is bounded, and equally slow for everyone."""

from __future__ import annotations

import threading

import pytest
from argon2 import PasswordHasher

from charafy.accounts import passwords as module
from charafy.accounts.passwords import Passwords
from charafy.kernel.errors import TooManyRequests

WEAK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Observed(PasswordHasher):
    """Notes the hashes it was asked to verify against."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        self.verified.append(hash)
        return bool(super().verify(hash, password))


def test_a_hash_matches_its_password_only() -> None:
    passwords = Passwords(hasher=WEAK)
    stored = passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert passwords.matches("correct horse", stored)
    assert not passwords.matches("correct horsf", stored)
    assert not passwords.matches("", stored)


def test_an_unknown_account_costs_a_full_verification() -> None:
    hasher = Observed()
    assert not Passwords(hasher=hasher).matches("correct horse", None)
    (decoy,) = hasher.verified
    assert str(decoy).startswith("$argon2id$v=19$m=8,t=1,p=1$")


def test_the_defaults_follow_the_owasp_floor() -> None:
    hasher = PasswordHasher()
    assert hasher.memory_cost >= 19 * 1024
    assert hasher.time_cost >= 2


def test_older_hashes_are_known_to_be_weaker() -> None:
    older = WEAK.hash("correct horse")
    assert Passwords().outdated(older)
    assert not Passwords(hasher=WEAK).outdated(older)


def test_a_broken_hash_matches_nothing() -> None:
    assert not Passwords(hasher=WEAK).matches("correct horse", "not a hash")


def test_when_all_places_are_taken_the_next_is_asked_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.01)
    inside, leave = threading.Event(), threading.Event()

    class Slow(Observed):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            inside.set()
            leave.wait(5)
            return str(super().hash(password, salt=salt))

    passwords = Passwords(at_once=1, hasher=Slow())
    first = threading.Thread(target=passwords.hash, args=("correct horse",))
    first.start()
    assert inside.wait(5)
    with pytest.raises(TooManyRequests):
        passwords.matches("correct horse", None)
    leave.set()
    first.join(5)
    assert not passwords.matches("correct horse", None)
