"""Addresses of databases: which are taken, how they are refused, how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from charafy.kernel.refused import StartRefused

_POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+psycopg")
_DRIVER: Final = "postgresql+psycopg"


CONNECT_TIMEOUT_S: Final = 10
DEAD_AFTER_S: Final = 30
"""Without a sign of life from the other machine, whether we wait for it or not."""
PATIENCE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        "keepalives_idle": "15",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        # Nobody keeps a connection alive that waits for what was sent to be confirmed: the system
        # would send it again for a quarter of an hour.
        "tcp_user_timeout": str(DEAD_AFTER_S * 1000),
    }
)
"""What libpq is told, so that a line that is cut without a word is noticed."""


class DatabaseRefused(StartRefused):
    """The database can't be used as it is; the message is one sentence and holds no secret."""


def proper_url(url: str, setting: str) -> str:
    """The address with its driver named; `setting` is who is told to be wrong.

    Raises `DatabaseRefused` for what is no address of a SQLite or PostgreSQL database.
    """
    try:
        parts = make_url(url.strip())
    except (sa.exc.ArgumentError, ValueError):
        # Without its cause: that quotes the address, password and all.
        raise DatabaseRefused(
            f"{setting} is no database address: write postgresql://user:password@host/name."
        ) from None
    if parts.drivername == "sqlite":
        return parts.render_as_string(hide_password=False)
    if parts.drivername not in _POSTGRESQL:
        raise DatabaseRefused(
            f"{setting} starts with {parts.drivername}://, but Charafy works with postgresql:// "
            "and sqlite:/// only."
        )
    missing = _missing(parts)
    if missing:
        raise DatabaseRefused(
            f"{setting} names no {missing}: write postgresql://user:password@host/name."
        )
    return parts.set(drivername=_DRIVER).render_as_string(hide_password=False)


def patient(url: str) -> str:
    """The address with `PATIENCE` in it, for who makes connections of an address alone.

    What it says itself stays; SQLite's stays as it is.
    """
    parts = make_url(url)
    if parts.get_backend_name() != "postgresql":
        return url
    query = {**PATIENCE, **parts.query}
    return parts.set(query=query).render_as_string(hide_password=False)


def shown(url: str) -> str:
    """The address for logs and people: no password, no query (which may hold one as well)."""
    parts = make_url(url)
    return str(URL.create("postgresql", None, None, parts.host, parts.port, parts.database))


def _missing(parts: URL) -> str | None:
    # The driver would fill these from PGHOST, PGUSER and the like, or from who runs the process:
    # two machines of one service would then use two databases without anybody noticing.
    if not (parts.host or "host" in parts.query):
        return "host"
    if not (parts.username or "user" in parts.query):
        return "user"
    return None if parts.database else "database"
