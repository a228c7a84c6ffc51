"""Origins of web pages in the one form that browsers send: `https://example.com[:port]`.

`http://` stands only for pages of the developer's own machine.
"""

from __future__ import annotations

import ipaddress
import re
from types import MappingProxyType
from typing import Final

import httpx

_MAX_CHARS = 300
_USUAL_PORT: Final = MappingProxyType({"http": 80, "https": 443})
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})*")


class BadOrigin(ValueError):
    """`part` is what is wrong with it: its `form`, `scheme`, `path`, `host` or `port`."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


def normal_origin(text: str) -> str:
    """Lower case, punycode, without the default port; a single slash at the end is forgiven.

    What comes out holds only characters that are safe in a Content-Security-Policy. Raises
    `BadOrigin` with a reason that completes "allowed_origins: …".
    """
    if len(text) > _MAX_CHARS or any(char.isspace() or char in "\\,;*@%'\"" for char in text):
        raise BadOrigin(
            "form",
            "each must be an origin such as https://example.com, without wildcards or user names.",
        )
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii").lower().strip("[]")
    except (httpx.InvalidURL, ValueError):
        raise BadOrigin("form", "each must be an origin such as https://example.com.") from None
    if url.scheme != "https" and not (url.scheme == "http" and _is_this_machine(host)):
        raise BadOrigin("scheme", "each must start with https:// (http:// only for localhost).")
    if url.path not in ("", "/") or any(char in "?#" for char in text):
        raise BadOrigin(
            "path", "each must be an origin alone, without a path or anything behind it."
        )
    if not _NAME.fullmatch(host) and ":" not in host:
        raise BadOrigin("host", "each must name a host, such as https://example.com.")
    if url.port is not None and not 0 < url.port < 65_536:
        raise BadOrigin("port", "each may name a port from 1 to 65535.")
    port = "" if url.port in (None, _USUAL_PORT[url.scheme]) else f":{url.port}"
    return f"{url.scheme}://{_bracketed(host) if ':' in host else host}{port}"


def _is_this_machine(host: str) -> bool:
    """What browsers hold to be safe without HTTPS: for developers."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def _bracketed(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    except ValueError:
        raise BadOrigin("host", "each must name a host, such as https://example.com.") from None
