"""Word lists written as text."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words between spaces."""
    return tuple(text.split())
