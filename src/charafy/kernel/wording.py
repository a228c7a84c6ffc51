"""English that people read, of numbers that programs know."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number and its noun, whose plural takes an s: "1 credit", "2,000 credits"."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"
