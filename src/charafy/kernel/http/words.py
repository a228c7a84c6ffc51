"""What people may put into short texts that stand on pages, beside other people's."""

from __future__ import annotations

import unicodedata


def printable_name(name: str) -> str:
    """The name without spaces around it, for a validator: raises `ValueError`."""
    if not name.strip():
        raise ValueError("must not be blank.")
    # Line breaks, zero bytes, direction overrides: nothing a name on a page may hold.
    if any(unicodedata.category(char) in ("Cc", "Cs", "Co", "Zl", "Zp") for char in name):
        raise ValueError("must not contain control characters.")
    if any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in name):
        raise ValueError("must not contain control characters.")
    return name.strip()


def no_zero_bytes(text: str) -> str:
    """The text, for a validator: raises `ValueError` for what a database takes no text with."""
    if "\0" in text:
        raise ValueError("must not contain zero bytes.")
    return text
