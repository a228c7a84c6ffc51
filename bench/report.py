"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def table(title: str, figures: Mapping[str, Any]) -> None:
    """Print names and values in two columns; what is neither number nor text is left out."""
    shown = {name: _text(value) for name, value in figures.items()}
    width = max((len(name) for name in shown), default=0)
    print(f"\n{title}")
    for name, value in shown.items():
        if value is not None:
            print(f"  {name.ljust(width)}  {value:>12}")


def _text(value: Any) -> str | None:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else value if isinstance(value, str) else None
