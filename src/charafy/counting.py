"""The composition root: what operators count, of the whole house and of what ends in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from charafy.conversations.nodes import SILENCE
from charafy.conversations.tables import conversations, talk_nodes
from charafy.credits.tables import accounts
from charafy.ground import Ground
from charafy.kernel.db import Tx, after_commit
from charafy.kernel.observe import Metrics
from charafy.kernel.readings import Gauge, Reading, Readings, Values
from charafy.videos.tables import videos
from charafy.voices.tables import voices
from charafy.webhooks.tables import deliveries

Emit = Callable[[Tx, str, str, Mapping[str, object]], None]

WAITING: Final = Gauge("charafy_jobs_waiting", "Jobs that nobody has begun.", ("kind",))
RUNNING: Final = Gauge("charafy_jobs_running", "Jobs that were begun.", ("kind",))
OLDEST: Final = Gauge(
    "charafy_jobs_oldest_seconds", "Age of the oldest job that nobody has begun.", ("kind",)
)
BACKLOG: Final = Gauge("charafy_webhook_backlog", "Deliveries that are still to be made.")
BACKLOG_OLDEST: Final = Gauge(
    "charafy_webhook_oldest_seconds", "Age of the oldest delivery that is still to be made."
)
OPEN: Final = Gauge(
    "charafy_conversations_open", "Conversations that wait for a client or go on.", ("state",)
)
NODE_SESSIONS: Final = Gauge(
    "charafy_talk_node_sessions", "Conversations of a talk process that was heard of.", ("node",)
)
NODE_LIMIT: Final = Gauge("charafy_talk_node_limit", "Conversations it may have.", ("node",))
HELD: Final = Gauge("charafy_credits_held", "Credits that are held now, of all accounts.")
BALANCE: Final = Gauge("charafy_credits_balance", "Credits of all accounts, held ones included.")


def counted(emit: Emit, metrics: Metrics) -> Emit:
    """`emit`, which also counts what ended once that is certain."""

    def emit_and_count(tx: Tx, account_id: str, event: str, data: Mapping[str, object]) -> None:
        emit(tx, account_id, event, data)
        match event:
            case "conversation.ended":
                ended = metrics.conversations.labels(str(data.get("reason")))
            case "video.completed":
                ended = metrics.jobs.labels("video", "completed")
            case "video.failed":
                ended = metrics.jobs.labels("video", str(data.get("error_code")))
            case _:
                return
        after_commit(tx, ended.inc)

    return emit_and_count


def readings_of(ground: Ground) -> Readings:
    """What the database knows of the whole house. Cheap: a few indexed counts."""
    clock = ground.clock

    def jobs(tx: Tx) -> tuple[Values, Values, Values]:
        return _jobs(tx, clock.now())

    def webhooks(tx: Tx) -> tuple[Values, Values]:
        return _webhooks(tx, clock.now())

    def nodes(tx: Tx) -> tuple[Values, Values]:
        return _nodes(tx, clock.now() - SILENCE)

    return Readings(
        ground.db,
        (
            Reading((WAITING, RUNNING, OLDEST), jobs),
            Reading((BACKLOG, BACKLOG_OLDEST), webhooks),
            Reading((OPEN,), _open),
            Reading((NODE_SESSIONS, NODE_LIMIT), nodes),
            Reading((HELD, BALANCE), _credits),
        ),
    )


def _jobs(tx: Tx, now: datetime) -> tuple[Values, Values, Values]:
    begun = videos.c.started_at.is_not(None)
    under_way = videos.c.status == "processing"
    waits = voices.c.refinement == "waiting"
    looks: dict[str, tuple[Any, Any, Any]] = {
        "video": (under_way & ~begun, under_way & begun, videos.c.created_at),
        "refinement": (waits, voices.c.refinement == "running", voices.c.created_at),
    }
    waiting: dict[tuple[str, ...], float] = {}
    running: dict[tuple[str, ...], float] = {}
    oldest: dict[tuple[str, ...], float] = {}
    for kind, (idle, busy, born) in looks.items():
        count, first = tx.execute(sa.select(sa.func.count(), sa.func.min(born)).where(idle)).one()
        waiting[kind,] = float(count)
        working = sa.select(sa.func.count()).select_from(born.table).where(busy)
        running[kind,] = float(tx.execute(working).scalar_one())
        oldest[kind,] = _age(first, now)
    return waiting, running, oldest


def _webhooks(tx: Tx, now: datetime) -> tuple[Values, Values]:
    due = deliveries.c.due_at.is_not(None)
    wanted = sa.select(sa.func.count(), sa.func.min(deliveries.c.created_at)).where(due)
    count, first = tx.execute(wanted).one()
    return {(): float(count)}, {(): _age(first, now)}


def _open(tx: Tx) -> tuple[Values]:
    state = conversations.c.state
    wanted = sa.select(state, sa.func.count()).where(state != "ended").group_by(state)
    found = {str(name): float(count) for name, count in tx.execute(wanted)}
    return ({(name,): found.get(name, 0.0) for name in ("minted", "live")},)


def _nodes(tx: Tx, since: datetime) -> tuple[Values, Values]:
    columns = (talk_nodes.c.name, talk_nodes.c.sessions, talk_nodes.c.capacity)
    rows = tx.execute(sa.select(*columns).where(talk_nodes.c.seen_at >= since)).all()
    sessions: Values = {(str(row.name),): float(row.sessions) for row in rows}
    limits: Values = {(str(row.name),): float(row.capacity) for row in rows}
    return sessions, limits


def _credits(tx: Tx) -> tuple[Values, Values]:
    sums = sa.select(sa.func.sum(accounts.c.held), sa.func.sum(accounts.c.balance))
    held, balance = tx.execute(sums).one()
    return {(): float(held or 0)}, {(): float(balance or 0)}


def _age(born: datetime | None, now: datetime) -> float:
    return 0.0 if born is None else max(0.0, (now - born).total_seconds())
