"""Identifiers as the contract shows them: UUIDs in their canonical text form."""

from __future__ import annotations

import uuid


def new_id() -> str:
    return str(uuid.uuid4())


def stable_id(namespace: str, name: str) -> str:
    """The same id for the same name on every machine (preset voices, demo characters)."""
    return str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, f"{namespace}.charafy"), name))


def is_id(text: str) -> bool:
    """Whether this is a canonical UUID: anything else can't name a row, so it isn't looked up."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
