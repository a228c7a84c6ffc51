"""What callers give: what is left out, pictures and recordings from wherever they lie."""

from __future__ import annotations

import base64
import enum
import os
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Final, Literal


class _Omitted(enum.Enum):
    OMITTED = "left as it is"


OMITTED: Final = _Omitted.OMITTED
"""Not None: a field that is None is emptied, one that is left out stays as it is."""

Omitted = Literal[_Omitted.OMITTED]

Source = str | bytes | os.PathLike[str]
"""A file's content (bytes), its path, a public URL or a base64 data URI."""


def without_omitted(**fields: Any) -> dict[str, Any]:
    """The fields that were given, as JSON."""
    return {name: _json(value) for name, value in fields.items() if value is not OMITTED}


def without_none(**fields: Any) -> dict[str, Any]:
    """As `without_omitted`, where None says that nothing was given."""
    return {name: _json(value) for name, value in fields.items() if value is not None}


def linked(source: Source, kind: str) -> str:
    """Text that the API can follow. `kind`: what a file's content is taken for, as "image/png";
    the server looks for itself. Raises `OSError` when a file can't be read.
    """
    if isinstance(source, str) and source[:8].lower().startswith(("data:", "https://", "http://")):
        return source
    return f"data:{kind};base64,{base64.b64encode(content(source)).decode()}"


def content(source: Source) -> bytes:
    """Of an upload: text is a path here. Raises `OSError` when a file can't be read."""
    return source if isinstance(source, bytes) else Path(source).read_bytes()


def _json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, (tuple, set, frozenset)) else value
