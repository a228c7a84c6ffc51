"""The SQL of conversations. What callers ask for starts from the account that asks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from charafy.conversations.models import TURN_CHARS, Conversation, State, TurnRecord
from charafy.conversations.tables import conversations, turns
from charafy.kernel.cursors import is_behind
from charafy.kernel.db import Tx, one_at_a_time
from charafy.kernel.ids import is_id

_NEWEST_FIRST = (conversations.c.created_at.desc(), conversations.c.id.desc())
_OPEN = conversations.c.state != "ended"
_THERE = conversations.c.deleted_at.is_(None)


def find(tx: Tx, conversation_id: str, *, lock: bool = False) -> Conversation | None:
    """Also one that its owner deleted. `lock`: nobody else changes it until `tx` ends."""
    wanted = sa.select(conversations).where(conversations.c.id == conversation_id)
    if lock:  # SQLite, with its one writer, leaves it out
        wanted = wanted.with_for_update()
    row = tx.execute(wanted).mappings().first()
    return None if row is None else _conversation(row)


def owned(
    tx: Tx, account_id: str, conversation_id: str, *, lock: bool = False
) -> Conversation | None:
    """The account's own conversation of this id, if there is one."""
    found = find(tx, conversation_id.lower(), lock=lock) if is_id(conversation_id) else None
    if found is None or found.account_id != account_id or found.deleted_at is not None:
        return None
    return found


def by_connection(tx: Tx, pc_id: str) -> Conversation | None:
    """The conversation that is held over this connection now."""
    if "\0" in pc_id:  # PostgreSQL would not even compare it
        return None
    wanted = sa.select(conversations).where(conversations.c.pc_id == pc_id, _OPEN)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else _conversation(row)


def page(
    tx: Tx,
    account_id: str,
    *,
    limit: int,
    cursor: str | None,
    character_id: str | None,
    status: State | None,
) -> list[Conversation]:
    wanted = sa.select(conversations).where(conversations.c.account_id == account_id, _THERE)
    if character_id is not None and not is_id(character_id):
        return []  # PostgreSQL refuses to compare with some of what isn't one
    if character_id is not None:
        wanted = wanted.where(conversations.c.character_id == character_id.lower())
    if status is not None:
        wanted = wanted.where(conversations.c.state == status)
    if cursor is not None:
        wanted = wanted.where(is_behind(conversations.c.created_at, conversations.c.id, cursor))
    rows = tx.execute(wanted.order_by(*_NEWEST_FIRST).limit(limit)).mappings()
    return [_conversation(row) for row in rows]


def seconds_of_test_keys(tx: Tx, account_id: str, since: datetime) -> float:
    """What the account's test keys had of conversations since then, or may still have."""
    over = conversations.c.state == "ended"
    used = sa.case((over, conversations.c.seconds), else_=conversations.c.limit_s)
    wanted = sa.select(sa.func.coalesce(sa.func.sum(used), 0)).where(
        conversations.c.account_id == account_id,
        conversations.c.is_test.is_(True),
        conversations.c.created_at >= since,
    )
    return float(tx.execute(wanted).scalar_one())


def lapsed(tx: Tx, now: datetime, limit: int) -> list[Conversation]:
    """What is not over and nobody looks after any more."""
    wanted = (
        sa.select(conversations)
        .where(_OPEN, conversations.c.lease_until < now)
        .order_by(conversations.c.lease_until)
        .limit(limit)
    )
    return [_conversation(row) for row in tx.execute(wanted).mappings()]


def forgettable(
    tx: Tx, *, ended_before: datetime | None, deleted_before: datetime, limit: int
) -> list[str]:
    """Ids of what may go for good; `ended_before` None: nothing by its age."""
    old = conversations.c.deleted_at < deleted_before
    if ended_before is not None:
        old = sa.or_(old, conversations.c.ended_at < ended_before)
    wanted = sa.select(conversations.c.id).where(old).limit(limit)
    return list(tx.execute(wanted).scalars())


def in_rooms_of(
    tx: Tx, nodes: Collection[str | None], rooms: str, limit: int
) -> list[Conversation]:
    """Live ones whose connection's name begins with `rooms` and that these lead; of None: nobody.

    Those first that are given up first.
    """
    led: sa.ColumnElement[bool] = conversations.c.node.in_([node for node in nodes if node])
    if None in nodes:
        led = sa.or_(led, conversations.c.node.is_(None))
    wanted = (
        sa.select(conversations)
        .where(
            _OPEN,
            conversations.c.state == "live",
            led,
            conversations.c.pc_id.startswith(rooms, autoescape=True),
        )
        .order_by(conversations.c.lease_until)
        .limit(limit)
    )
    return [_conversation(row) for row in tx.execute(wanted).mappings()]


def waiting(tx: Tx, now: datetime, limit: int) -> list[str]:
    """Ids of those whose token is still good and that nobody led yet; the newest first."""
    wanted = (
        sa.select(conversations.c.id)
        .where(conversations.c.state == "minted", conversations.c.lease_until > now, _THERE)
        .order_by(*_NEWEST_FIRST)
        .limit(limit)
    )
    return list(tx.execute(wanted).scalars())


def live_by_node(tx: Tx) -> dict[str, int]:
    """How many conversations each node leads."""
    wanted = (
        sa.select(conversations.c.node, sa.func.count())
        .where(_OPEN, conversations.c.node.is_not(None))
        .group_by(conversations.c.node)
    )
    return {row[0]: row[1] for row in tx.execute(wanted)}


def insert(tx: Tx, conversation: Conversation) -> None:
    row = {name: getattr(conversation, name) for name in _PLAIN}
    tx.execute(conversations.insert(), {"id": conversation.conversation_id, **row})


def update(
    tx: Tx,
    conversation_id: str,
    states: Collection[State],
    *,
    led_in: int | None = None,
    **values: Any,
) -> Conversation | None:
    """Change it if it is in one of these states; as it then is, or None when it isn't or is gone.

    Of several that race for the same change one alone gets the row. `led_in`: only in that term.
    """
    here = [conversations.c.id == conversation_id, conversations.c.state.in_(states)]
    if led_in is not None:
        here.append(conversations.c.term == led_in)
    changed = conversations.update().where(*here).values(**values).returning(conversations)
    row = tx.execute(changed).mappings().first()
    return None if row is None else _conversation(row)


def correct(tx: Tx, conversation_id: str, **values: Any) -> None:
    """Change it, whatever its state."""
    tx.execute(conversations.update().where(conversations.c.id == conversation_id).values(**values))


def add_turn(tx: Tx, conversation_id: str, turn: TurnRecord) -> None:
    """Behind the turns that there are."""
    one_at_a_time(tx, f"turns:{conversation_id}")
    last = (
        sa.select(sa.func.coalesce(sa.func.max(turns.c.number), 0))
        .where(turns.c.conversation_id == conversation_id)
        .scalar_subquery()
    )
    tx.execute(
        turns.insert().values(
            conversation_id=conversation_id,
            number=last + 1,
            role=turn.role,
            # PostgreSQL keeps no NUL.
            text=turn.text[:TURN_CHARS].replace("\0", ""),
            interrupted=turn.interrupted,
            started_s=turn.started_s,
            latency=dict(turn.latency),
        )
    )


def turns_of(tx: Tx, conversation_id: str) -> list[TurnRecord]:
    """In the order in which they were taken."""
    wanted = (
        sa.select(*(turns.c[name] for name in TurnRecord.__dataclass_fields__))
        .where(turns.c.conversation_id == conversation_id)
        .order_by(turns.c.number)
    )
    return [TurnRecord(**row) for row in tx.execute(wanted).mappings()]


def delete_turns(tx: Tx, conversation_ids: Collection[str]) -> None:
    tx.execute(turns.delete().where(turns.c.conversation_id.in_(conversation_ids)))


def delete(tx: Tx, conversation_ids: Collection[str]) -> None:
    """With all that was said in them."""
    delete_turns(tx, conversation_ids)
    tx.execute(conversations.delete().where(conversations.c.id.in_(conversation_ids)))


def delete_all_of(tx: Tx, account_id: str) -> None:
    mine = sa.select(conversations.c.id).where(conversations.c.account_id == account_id)
    tx.execute(turns.delete().where(turns.c.conversation_id.in_(mine)))
    tx.execute(conversations.delete().where(conversations.c.account_id == account_id))


def _conversation(row: sa.RowMapping) -> Conversation:
    return Conversation(conversation_id=row["id"], **{name: row[name] for name in _PLAIN})


_PLAIN = tuple(name for name in Conversation.__dataclass_fields__ if name != "conversation_id")
