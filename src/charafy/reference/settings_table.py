"""Every setting as a table, from the descriptions that stand beside the settings themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from charafy.kernel.clone_settings import CloneServiceSettings
from charafy.kernel.settings import Plan, Prices, Settings

_HOMES = (
    ("home", "the user's data folder, such as `~/.local/share/charafy`"),
    ("models", "the user's cache folder, such as `~/.cache/charafy/models`"),
)
"""Defaults that differ from machine to machine."""


def markdown() -> str:
    """The page `docs/settings.md`."""
    parts = [
        "# Settings",
        "Everything is set by environment variables; each has a default that works. "
        "Lists and plans are JSON.",
        _table(_rows(Settings, "CHARAFY_", without=CloneServiceSettings)),
        "## Services that clone voices",
        "For `CHARAFY_CLONER`, and for the voices that they cloned: these need them to speak.",
        _table(_rows(CloneServiceSettings, "CHARAFY_")),
        "## Prices",
        "In credits; 1 credit is $0.01.",
        _table(_rows(Prices, "CHARAFY_PRICES__")),
        "## Plans",
        'What `CHARAFY_PLANS` holds for each plan, as in `{"standard": {"max_characters": 50}}`. '
        "Naming plans replaces all of them.",
        _table(_rows(Plan, "")),
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: Iterator[tuple[str, str, str]]) -> str:
    lines = ["| Setting | Default | What it is |", "|---|---|---|"]
    return "\n".join(
        [*lines, *(f"| `{name}` | {default} | {text} |" for name, default, text in rows)]
    )


def _rows(
    model: type[BaseModel], prefix: str, *, without: type[BaseModel] | None = None
) -> Iterator[tuple[str, str, str]]:
    elsewhere = {"prices", "plans", *(without.model_fields if without else ())}
    for name, field in model.model_fields.items():
        if name in elsewhere:  # these have tables of their own
            continue
        shown = f"{prefix}{name.upper()}" if prefix else name
        yield shown, _default(name, field), _text(field)


def _text(field: FieldInfo) -> str:
    options = get_args(field.annotation)
    description = field.description or ""
    if options and all(isinstance(option, str) for option in options):
        return f"{description} One of {', '.join(f'`{option}`' for option in options)}."
    return description


def _default(name: str, field: FieldInfo) -> str:
    if name in dict(_HOMES):
        return dict(_HOMES)[name]
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool | tuple | list) or get_origin(field.annotation) is tuple:
        return f"`{json.dumps(value)}`"
    assert not isinstance(value, Path), f"{name} differs from machine to machine"
    return f"`{value}`"
