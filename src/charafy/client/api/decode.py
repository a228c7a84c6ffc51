"""From the API's JSON to typed, frozen values.

Fields that a value does not know are skipped, so that newer servers can say more; those that may
be None are when they are missing.
"""

from __future__ import annotations

import base64
import types
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from charafy.client.api.errors import BadAnswer

T = TypeVar("T")


def decode(kind: type[T], said: object) -> T:
    """`said`, as `kind`: a dataclass of values that are such or plain.

    Raises `BadAnswer` where a field is missing or is something else.
    """
    value: T = _value(kind, said, kind.__name__)
    return value


def _value(kind: Any, said: Any, path: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        some = [each for each in get_args(kind) if each is not type(None)]
        return None if said is None else _value(some[0], said, path)
    if origin is Literal:
        # Newer servers may know more words than we do: which one it is, is the reader's matter.
        return _plain(str, said, path)
    if origin is tuple:
        return tuple(_value(get_args(kind)[0], each, path) for each in _plain(list, said, path))
    if origin is Mapping:
        whole = _plain(dict, said, path)
        return MappingProxyType(
            {
                name: _value(get_args(kind)[1], each, f"{path}.{name}")
                for name, each in whole.items()
            }
        )
    return _single(kind, said, path)


def _single(kind: Any, said: Any, path: str) -> Any:
    if kind is Any:
        return said
    if kind is datetime:
        return _moment(_plain(str, said, path), path)
    if kind is bytes:
        return _bytes(_plain(str, said, path), path)
    if kind is float:
        return float(_plain((int, float), said, path))
    if kind in (str, int, bool):
        return _plain(kind, said, path)
    return _whole(kind, _plain(dict, said, path), path)


def _whole(kind: Any, said: Mapping[str, Any], path: str) -> Any:
    hints = _hints(kind)
    found: dict[str, Any] = dict.fromkeys(hints)
    for field in fields(kind):
        if field.name not in said:
            if type(None) in get_args(hints[field.name]):
                continue
            raise BadAnswer(f"The server's answer has no {path}.{field.name}.")
        found[field.name] = _value(hints[field.name], said[field.name], f"{path}.{field.name}")
    return kind(**found)


@cache
def _hints(kind: type[Any]) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _plain(kind: Any, said: Any, path: str) -> Any:
    # A bool is an int to Python alone.
    if not isinstance(said, kind) or (isinstance(said, bool) and kind is not bool):
        raise BadAnswer(f"{path} of the server's answer is no {_name(kind)}.")
    return said


def _name(kind: Any) -> str:
    names = {str: "text", int: "whole number", bool: "yes or no", list: "list", dict: "object"}
    return names.get(kind, "number")


def _moment(text: str, path: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadAnswer(f"{path} of the server's answer is no time.") from None


def _bytes(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise BadAnswer(f"{path} of the server's answer is no base64.") from None
