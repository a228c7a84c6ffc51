"""The file of a clone: JSON, so that anyone can see what is kept of a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

FORMAT: Final = "charafy-clone"
VERSION: Final = 1


NAMES: Final = "voices/"
"""What every clone's name begins with; no stock voice's does."""


def is_clone(name: str) -> bool:
    """Whether a voice's name is that of a clone file."""
    return name.startswith(NAMES)


class BadClone(ValueError):
    """The bytes are no clone file that this version can read."""


def pack(engine: str, fields: Mapping[str, Any]) -> bytes:
    """The file of a clone that `engine` speaks with (`kokoro`, `openai`, `elevenlabs`, ...)."""
    head = {"format": FORMAT, "version": VERSION, "engine": engine}
    return json.dumps(head | dict(fields), ensure_ascii=False, separators=(",", ":")).encode()


def unpack(data: bytes) -> tuple[str, dict[str, Any]]:
    """(engine, all fields). Raises `BadClone`."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        raise BadClone("not JSON") from None
    if not isinstance(fields, dict) or fields.get("format") != FORMAT:
        raise BadClone("not a clone file")
    if fields.get("version") != VERSION or not isinstance(fields.get("engine"), str):
        raise BadClone("a clone file of another version")
    return fields["engine"], fields
