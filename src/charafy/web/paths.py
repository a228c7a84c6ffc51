"""Addresses on this server, whatever name its reader uses for it."""

from __future__ import annotations

from urllib.parse import urlsplit


def local(url: str) -> str:
    """The same address without the server's name."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
