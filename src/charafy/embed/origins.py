"""Origins of web pages in the one form that browsers send: `https://example.com[:port]`."""

from __future__ import annotations

import re

import httpx

_MAX_CHARS = 300
_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63})*")
_IPV6 = re.compile(r"[0-9a-f:.]{2,45}")


def normal_origin(text: str) -> str:
    """Lower case, punycode, without the default port; a single slash at the end is forgiven.

    What comes out holds only characters that are safe in a Content-Security-Policy. Raises
    `ValueError` with a reason that completes "allowed_origins: …".
    """
    if len(text) > _MAX_CHARS or any(char.isspace() or char in "\\,;*'\"" for char in text):
        raise ValueError("each must be an origin such as https://example.com, without wildcards.")
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii").lower().strip("[]")
    except (httpx.InvalidURL, ValueError):
        raise ValueError("each must be an origin such as https://example.com.") from None
    if url.scheme != "https":
        raise ValueError("each must start with https://.")
    if url.userinfo or url.query or url.fragment or url.path not in ("", "/"):
        raise ValueError("each must be an origin alone: no path, query, user name or password.")
    if text.endswith(("?", "#", "@")) or not (_NAME.fullmatch(host) or _is_ipv6(host)):
        raise ValueError("each must name a host, such as https://example.com.")
    port = "" if url.port in (None, 443) else f":{url.port}"
    return f"https://{f'[{host}]' if ':' in host else host}{port}"


def _is_ipv6(host: str) -> bool:
    return ":" in host and _IPV6.fullmatch(host) is not None
