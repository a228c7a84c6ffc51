"""Where a list that is shown newest first goes on: opaque to callers, a time and an id inside."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

import sqlalchemy as sa

from charafy.kernel.errors import BadRequest
from charafy.kernel.ids import is_id


def cursor_after(moment: datetime, row_id: str) -> str:
    """The cursor of a page whose last row has this time and id."""
    text = f"{moment.astimezone(UTC).isoformat()} {row_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def is_behind(
    moment: sa.Column[datetime], row_id: sa.Column[str], cursor: str
) -> sa.ColumnElement[bool]:
    """Whether a row comes after the cursor, newest first. Raises `BadRequest` for nonsense."""
    place = sa.tuple_(*_read(cursor), types=[moment.type, row_id.type])
    return sa.tuple_(moment, row_id) < place


def _read(cursor: str) -> tuple[datetime, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text, _, row_id = base64.urlsafe_b64decode(padded).decode().partition(" ")
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or not is_id(row_id):
            raise _bad()
        return moment.astimezone(UTC), row_id
    except (binascii.Error, ValueError, OverflowError):  # the latter: year 1 east of Greenwich
        raise _bad() from None


def _bad() -> BadRequest:
    return BadRequest("cursor: must be a next_cursor of an earlier answer.", param="cursor")
