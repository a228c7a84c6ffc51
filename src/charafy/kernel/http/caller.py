"""Who is asking: the value that every route gets from the guard."""

from __future__ import annotations

from dataclasses import dataclass

ALL_SCOPES: tuple[str, ...] = (
    "characters:read",
    "characters:write",
    "voices:read",
    "voices:write",
    "speech:write",
    "videos:read",
    "videos:write",
    "conversations:read",
    "conversations:write",
    "credits:read",
    "credits:write",
    "account:read",
    "account:write",
    "webhooks:read",
    "webhooks:write",
)
"""What a key may be allowed to do; a key without explicit scopes may do all of it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated account, through one of its API keys or a signed-in session."""

    account_id: str
    plan: str
    """Name of a plan in the settings; it decides limits."""
    key_id: str | None
    """The API key used; None for a signed-in person."""
    is_test: bool
    """Through a `ck_test_` key: everything works and nothing is charged."""
    scopes: frozenset[str]
    is_operator: bool = False

    @property
    def limit_key(self) -> str:
        """What rate limits count by: all keys of an account share, test keys count apart."""
        return f"{self.account_id}:{'test' if self.is_test else 'live'}"
