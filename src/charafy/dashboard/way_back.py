"""Where somebody wanted to go before they were asked to sign in."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request

BACK_COOKIE: Final = "charafy_back"
BACK_S: Final = 900
"""Long enough for a forgotten password."""

_PAGE: Final = re.compile(r"/(?:dashboard|operator|try)(?:/[\w~%-]+)*(?:\?[\w.~%=&+-]*)?", re.ASCII)
"""Pages behind the sign-in; no file, and no address of anybody else."""
_MOST: Final = 500


def wanted(request: Request) -> str | None:
    """The page that this request asks for, if it is one to come back to.

    None for forms, and for what scripts fetch: whoever came back would see a piece of a page.
    """
    if request.method != "GET" or request.headers.get("sec-fetch-mode", "navigate") != "navigate":
        return None
    path, query = request.scope["raw_path"], request.scope["query_string"]
    return _checked((path + b"?" + query if query else path).decode("latin-1"))


def way_back(request: Request) -> str | None:
    """The page that this browser wanted a while ago, whatever it sends for one."""
    return _checked(request.cookies.get(BACK_COOKIE, ""))


def _checked(page: str) -> str | None:
    return page if len(page) <= _MOST and _PAGE.fullmatch(page) else None
