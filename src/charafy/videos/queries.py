"""The SQL of videos. What callers ask for starts from the account that asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from charafy.kernel.cursors import is_behind
from charafy.kernel.db import Tx
from charafy.kernel.ids import is_id
from charafy.videos.models import Order, Status, Video
from charafy.videos.tables import videos

_NEWEST_FIRST = (videos.c.created_at.desc(), videos.c.id.desc())
_IN_LINE = (videos.c.turn, videos.c.created_at, videos.c.id)
_PROCESSING = videos.c.status == "processing"
_TIME = videos.c.started_at.type


def find(tx: Tx, video_id: str) -> Video | None:
    row = tx.execute(sa.select(videos).where(videos.c.id == video_id)).mappings().first()
    return None if row is None else _video(row)


def owned(tx: Tx, account_id: str, video_id: str) -> Video | None:
    """The account's own video of this id, if there is one."""
    video = find(tx, video_id.lower()) if is_id(video_id) else None
    return video if video is not None and video.account_id == account_id else None


def page(
    tx: Tx,
    account_id: str,
    *,
    limit: int,
    cursor: str | None,
    character_id: str | None,
    status: Status | None,
) -> list[Video]:
    wanted = sa.select(videos).where(videos.c.account_id == account_id)
    if character_id is not None and not is_id(character_id):
        return []  # PostgreSQL refuses to compare with some of what isn't one
    if character_id is not None:
        wanted = wanted.where(videos.c.character_id == character_id.lower())
    if status is not None:
        wanted = wanted.where(videos.c.status == status)
    if cursor is not None:
        wanted = wanted.where(is_behind(videos.c.created_at, videos.c.id, cursor))
    rows = tx.execute(wanted.order_by(*_NEWEST_FIRST).limit(limit)).mappings()
    return [_video(row) for row in rows]


def ahead_of(tx: Tx, video: Video) -> int:
    """How many wait before this one."""
    types = [column.type for column in _IN_LINE]
    mine = sa.tuple_(video.turn, video.created_at, video.video_id, types=types)
    wanted = (
        sa.select(sa.func.count())
        .select_from(videos)
        .where(_PROCESSING, videos.c.started_at.is_(None), sa.tuple_(*_IN_LINE) < mine)
    )
    return tx.execute(wanted).scalar_one()


def count_processing(tx: Tx, account_id: str) -> int:
    wanted = (
        sa.select(sa.func.count())
        .select_from(videos)
        .where(_PROCESSING, videos.c.account_id == account_id)
    )
    return tx.execute(wanted).scalar_one()


def processing(tx: Tx) -> dict[str, int]:
    """All that wait or are being made, by id: their turns, in the order in which they stand."""
    wanted = sa.select(videos.c.id, videos.c.turn).where(_PROCESSING).order_by(*_IN_LINE)
    return {row.id: row.turn for row in tx.execute(wanted)}


def leases_before(tx: Tx, moment: datetime) -> list[Video]:
    """What waits or is being made and nobody has promised to look after from `moment` on."""
    wanted = sa.select(videos).where(_PROCESSING, videos.c.lease_until < moment)
    return [_video(row) for row in tx.execute(wanted).mappings()]


def ended_before(tx: Tx, moment: datetime, limit: int) -> list[Video]:
    wanted = (
        sa.select(videos)
        .where(videos.c.completed_at < moment)
        .order_by(videos.c.completed_at)
        .limit(limit)
    )
    return [_video(row) for row in tx.execute(wanted).mappings()]


def ids_of(tx: Tx, account_id: str) -> list[str]:
    return list(
        tx.execute(sa.select(videos.c.id).where(videos.c.account_id == account_id)).scalars()
    )


def known(tx: Tx, video_ids: list[str]) -> dict[str, Status]:
    """Those of the ids that have a row, with their status."""
    wanted = sa.select(videos.c.id, videos.c.status).where(videos.c.id.in_(video_ids))
    return {row.id: row.status for row in tx.execute(wanted)}


def kept_files(tx: Tx, video_ids: list[str]) -> dict[str, frozenset[str] | None]:
    """Of those ids that have a row: the files it names; None while it is being made."""
    named = (videos.c.output_key, videos.c.srt_key, videos.c.vtt_key)
    wanted = sa.select(videos.c.id, videos.c.status, *named).where(videos.c.id.in_(video_ids))
    return {
        row.id: None
        if row.status == "processing"
        else frozenset(key for key in (row.output_key, row.srt_key, row.vtt_key) if key)
        for row in tx.execute(wanted)
    }


def insert(tx: Tx, video: Video, lease_until: datetime) -> None:
    tx.execute(
        videos.insert(),
        {
            "id": video.video_id,
            "account_id": video.account_id,
            "character_id": video.character_id,
            "status": video.status,
            "request": video.order.as_json(),
            "is_test": video.is_test,
            "hold_id": video.hold_id,
            "held": video.held,
            "charged": video.charged,
            "turn": video.turn,
            "progress": video.progress,
            "attempts": 0,
            "lease_until": lease_until,
            "created_at": video.created_at,
        },
    )


def update_processing(tx: Tx, video_id: str, **values: Any) -> bool:
    """Change the video if it still waits or is being made; False when it is over or gone."""
    changed = (
        videos.update().where(videos.c.id == video_id, _PROCESSING).values(**values)
    ).returning(videos.c.id)
    return tx.execute(changed).first() is not None


def begin(tx: Tx, video_id: str, now: datetime) -> int | None:
    """Count another attempt at it; how many there were, or None when it is over or gone."""
    changed = (
        videos.update()
        .where(videos.c.id == video_id, _PROCESSING)
        .values(
            attempts=videos.c.attempts + 1,
            started_at=sa.func.coalesce(videos.c.started_at, sa.bindparam("now", now, _TIME)),
        )
    ).returning(videos.c.attempts)
    row = tx.execute(changed).first()
    return None if row is None else int(row.attempts)


def put_down(tx: Tx, video_id: str) -> None:
    """Take back one attempt: the worker stopped on purpose."""
    tx.execute(
        videos.update()
        .where(videos.c.id == video_id, _PROCESSING, videos.c.attempts > 0)
        .values(attempts=videos.c.attempts - 1)
    )


def delete(tx: Tx, video_id: str) -> None:
    tx.execute(videos.delete().where(videos.c.id == video_id))


def delete_all_of(tx: Tx, account_id: str) -> None:
    tx.execute(videos.delete().where(videos.c.account_id == account_id))


def _video(row: sa.RowMapping) -> Video:
    return Video(
        video_id=row["id"],
        order=Order.of_json(row["request"]),
        **{name: row[name] for name in _PLAIN},
    )


_PLAIN = (
    "account_id",
    "character_id",
    "status",
    "is_test",
    "hold_id",
    "held",
    "charged",
    "turn",
    "progress",
    "started_at",
    "created_at",
    "completed_at",
    "duration_s",
    "output_key",
    "srt_key",
    "vtt_key",
    "error_code",
    "error",
)
