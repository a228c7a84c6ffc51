"""Which pages may have an embedded character in a frame: what browsers tell us and we tell them.

Browsers keep `frame-ancestors`, over all frames around ours, whatever a page does: that holds.
What we look at ourselves (the page that asked for ours, and what our script says about the frame
it is in) turns away what a browser would not show, and links that were passed around.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from charafy.kernel.errors import Forbidden
from charafy.web.pages import policy_with

_REST: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors "
)
MAX_ORIGIN_CHARS: Final = 200


def policy(allowed: Sequence[str] | None, carriers: Sequence[str] = ()) -> str:
    """The Content-Security-Policy of a page that may be framed by these; empty: by all.

    None: by our own alone. `allowed` are normal origins: nothing in them ends a directive.
    `carriers`: addresses besides our own that its scripts may connect to.
    """
    rest = policy_with(_REST, carriers)
    if allowed is None:
        return f"{rest}'self'"
    return rest + (" ".join(("'self'", *allowed)) if allowed else "*")


def origin_of(url: str) -> str:
    """`https://example.com:8443` of an address in the web, "" of anything else."""
    try:
        parts = urlsplit(url[:2_000])
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    origin = f"{parts.scheme}://{host}" + ("" if port in (None, usual) else f":{port}")
    return origin if len(origin) <= MAX_ORIGIN_CHARS else ""


def is_own(request: Request, origin: str, base_url: str) -> bool:
    """Whether a page of this server is meant, by whichever of its names the visitor uses.

    The scheme is not compared with the request's: a proxy in front of us may speak HTTPS for us.
    """
    host = request.headers.get("host", "").lower()
    return bool(origin) and (
        origin == origin_of(base_url) or origin in (origin_of(f"http://{host}"), _https(host))
    )


def embedder_of(request: Request, base_url: str) -> str:
    """Origin of the page that framed ours, as the request for ours tells; "" when it is one of our
    own or was not told."""
    origin = origin_of(request.headers.get("referer", ""))
    return "" if is_own(request, origin, base_url) else origin


def may_show(request: Request, allowed: Sequence[str], base_url: str) -> bool:
    """Whether to serve the page at all: not to a foreign page, and not by itself, where its owner
    has said which pages may."""
    if not allowed:
        return True
    referer = origin_of(request.headers.get("referer", ""))
    if is_own(request, referer, base_url) or referer in allowed:
        return True
    # A page may keep to itself who it is; then its browser decides by the policy above.
    return not referer and request.headers.get("sec-fetch-dest") != "document"


def require_own_page(request: Request, base_url: str) -> None:
    """Raises `Forbidden` unless a script of our own page asks: browsers don't let others say so."""
    origin = origin_of(request.headers.get("origin", ""))
    site = request.headers.get("sec-fetch-site", "same-origin")
    if not is_own(request, origin, base_url) or site != "same-origin":
        raise Forbidden("Only the embed page itself may ask for this.", code="origin_not_allowed")


def require_allowed(
    request: Request, around: Sequence[str], allowed: Sequence[str], base: str
) -> None:
    """Raises `Forbidden` where one of the pages around ours is none that the owner has chosen."""
    for origin in filter(None, around):
        if allowed and origin not in allowed and not is_own(request, origin, base):
            raise Forbidden(
                "The owner of this character has not allowed it on this page.",
                code="origin_not_allowed",
            )


def _https(host: str) -> str:
    return origin_of(f"https://{host}")
