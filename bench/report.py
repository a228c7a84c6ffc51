"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def table(title: str, figures: Mapping[str, Any]) -> None:
    """Print names and values in two columns; what is neither number nor text is left out."""
    shown = {name: _text(value) for name, value in figures.items()}
    width = max((len(name) for name in shown), default=0)
    print(f"\n{title}")
    for name, value in shown.items():
        if value is not None:
            print(f"  {name.ljust(width)}  {value:>12}")


def columns(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of the same names under these, each as wide as it must be."""
    lines = [list(rows[0])] if rows else []
    lines += [[str(value) for value in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(f"\n{title}")
    for first, *others in lines:
        right = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        print("  ".join(("", first.ljust(widths[0]), *right)).rstrip())


def _text(value: Any) -> str | None:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else value if isinstance(value, str) else None
