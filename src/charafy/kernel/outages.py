"""Whether an error says that the database can't do its work now, rather than that we are wrong."""

from __future__ import annotations

import sqlite3
from typing import Final

import sqlalchemy as sa

from charafy.kernel.errors import Unavailable

RETRY_AFTER_S: Final = 2
_SQLITE: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""What SQLite says of its file and of who else uses it. It has the same kind of error for a table
that doesn't exist."""


def database_away(error: Exception) -> bool:
    """It is stopped, cut off, full or so busy that nobody's turn came in time."""
    if isinstance(error, sa.exc.TimeoutError):  # no connection became free
        return True
    if not isinstance(error, sa.exc.OperationalError):
        return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    code = getattr(error.orig, "sqlite_errorcode", None)
    # The low byte is the kind; PostgreSQL's errors of this class are all of the server or the way.
    return code is None or code & 0xFF in _SQLITE


def away() -> Unavailable:
    """What somebody is told whose request met with that."""
    return Unavailable(
        "The database does not answer right now, and nobody knows whether this was done. Try again "
        "in a moment; with the same Idempotency-Key nothing is done twice.",
        retry_after_s=RETRY_AFTER_S,
        code="database_unavailable",
    )
