"""`data:image/png;base64,…` as clients send pictures and recordings."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from charafy.kernel.errors import BadRequest

_MAX_HEADER_CHARS = 256
_EXAMPLES: Final = {"image/": "image/png", "audio/": "audio/mpeg"}


def is_data_uri(text: str) -> bool:
    return text[:5].lower() == "data:"


def parse_data_uri(
    text: str, *, max_bytes: int, param: str, kinds: tuple[str, ...] = ("image/",)
) -> bytes:
    """The bytes in a base64 data URI of a type that starts as one of `kinds`; it is only a hint.

    Strict (no line breaks, no other alphabets) and linear in the length of the text. Raises
    `BadRequest` about the field `param`.
    """
    header, comma, _ = text[:_MAX_HEADER_CHARS].partition(",")
    kind, *parameters = header[5:].lower().split(";")
    if not is_data_uri(text) or not comma or not parameters or parameters[-1] != "base64":
        raise _invalid(param, f"must look like data:{_EXAMPLES[kinds[0]]};base64,…")
    if not kind.startswith(kinds):
        family = kinds[0].rstrip("/")
        raise _invalid(
            param, f"must be of an {family} type, such as data:{_EXAMPLES[kinds[0]]};base64,…"
        )
    start = len(header) + 1
    if (len(text) - start) * 3 // 4 > max_bytes + 2:
        raise _too_large(param, max_bytes)
    try:
        data = base64.b64decode(text[start:], validate=True)
    except (binascii.Error, ValueError):
        raise _invalid(param, "is not valid base64 after the comma") from None
    if not data:
        raise _invalid(param, "holds no data")
    if len(data) > max_bytes:
        raise _too_large(param, max_bytes)
    return data


def _invalid(param: str, why: str) -> BadRequest:
    return BadRequest(f"{param}: the data URI {why}.", code=f"invalid_{param}", param=param)


def _too_large(param: str, max_bytes: int) -> BadRequest:
    return BadRequest(
        f"The {param} is larger than {max_bytes // 1024 // 1024} MB.",
        code=f"{param}_too_large",
        param=param,
    )
