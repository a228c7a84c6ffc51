"""Afterwards: is everybody's money where it belongs, and everything that was begun at its end?

Judges by the rows and files themselves; of the house it uses what sweeps, a day later.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from charafy.app import tidy
from charafy.avatars.tables import avatars
from charafy.characters.tables import characters
from charafy.conversations.tables import conversations
from charafy.credits.tables import accounts, entries, holds
from charafy.house import House, build_house
from charafy.kernel.clock import SystemClock
from charafy.kernel.db import Tx
from charafy.kernel.http.idempotency_tables import requests
from charafy.kernel.settings import Settings
from charafy.videos.tables import videos
from charafy.webhooks.tables import deliveries, events

_DAY = timedelta(hours=30)
_SWEEPS = 20
"""Enough for some thousand rows: what is still not ended then was forgotten."""


class Later(SystemClock):
    """A day from now: every lease is over."""

    def now(self) -> datetime:
        return super().now() + _DAY


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    what: str
    seen: str
    wrong: tuple[str, ...] = ()


def audit(
    settings: Settings,
    accepted: Mapping[str, str],
    deleted: set[str],
    orders: Mapping[str, int] | None = None,
) -> list[Finding]:
    """With no process of the house running. `accepted`: the videos that clients were promised;
    `orders`: of each account that is watched, how many speeches it asked for.
    """
    now = build_house(settings)
    try:
        with now.db.read() as tx:
            found = [
                _open_holds(tx),
                _jobs(tx, accepted, deleted),
                _told_once(tx),
                _over(tx),
            ]
    finally:
        now.close()
    later = build_house(settings, clock=Later())
    try:
        strays = len(_orphans(later))
        for _ in range(_SWEEPS):
            later.sweeper.sweep()  # each chore does so many rows at a time
        tidy(later)  # as a server does when it starts
        with later.db.read() as tx:
            found += [_balances(tx), _ended_holds(tx), _sessions(tx), _paid_once(tx)]
            found += [_charged_once(tx), _spoken_once(tx, orders or {})]
        found += [_orphaned(later, strays), _kept(later)]
    finally:
        later.close()
    return found


def under_way(house: House) -> dict[str, int]:
    """How much of each is still to come to an end by itself."""
    kinds = {
        "videos": sa.select(sa.func.count()).where(videos.c.status == "processing"),
        "conversations": sa.select(sa.func.count()).where(conversations.c.state == "live"),
        "webhooks": sa.select(sa.func.count()).where(deliveries.c.status == "pending"),
    }
    with house.db.read() as tx:
        counts = {kind: int(tx.execute(query).scalar_one()) for kind, query in kinds.items()}
    return {kind: count for kind, count in counts.items() if count}


def ended_videos(settings: Settings) -> set[str]:
    house = build_house(settings)
    try:
        with house.db.read() as tx:
            query = sa.select(videos.c.id).where(videos.c.status != "processing")
            return set(tx.execute(query).scalars())
    finally:
        house.close()


def _open_holds(tx: Tx) -> Finding:
    """Those of what is over were forgotten, though a sweeper would release them one day."""
    open_now = {row.id: row.kind for row in tx.execute(sa.select(holds)) if row.state == "held"}
    alive = set(
        tx.execute(sa.select(videos.c.hold_id).where(videos.c.status == "processing")).scalars()
    ) | set(
        tx.execute(sa.select(conversations.c.hold_id).where(conversations.c.state != "ended"))
        .scalars()
        .all()
    )
    wrong = [
        f"{kind} {id_} holds credits for nothing"
        for id_, kind in open_now.items()
        # Speech has no row: its hold alone says that it was cut off, and for two minutes.
        if id_ not in alive and kind != "tts"
    ]
    return Finding("holds open at the end", str(len(open_now)), tuple(wrong))


def _jobs(tx: Tx, accepted: Mapping[str, str], deleted: set[str]) -> Finding:
    rows = {row.id: row.status for row in tx.execute(sa.select(videos.c.id, videos.c.status))}
    wrong = [f"video {id_} is {status}" for id_, status in rows.items() if status == "processing"]
    wrong += [f"video {id_} is lost" for id_ in accepted.keys() - rows.keys() - deleted]
    return Finding("videos, by their end", _counted(Counter(rows.values())), tuple(wrong))


def _told_once(tx: Tx) -> Finding:
    ends: Counter[str] = Counter()
    for body in tx.execute(sa.select(events.c.body)).scalars():
        told = json.loads(body)
        if told["type"].startswith("video."):
            ends[told["data"]["video_id"]] += 1
    over = set(tx.execute(sa.select(videos.c.id).where(videos.c.status != "processing")).scalars())
    wrong = [f"the end of {id_} was told {n} times" for id_, n in ends.items() if n != 1]
    wrong += [f"the end of {id_} was never told" for id_ in over - ends.keys()]
    return Finding("ends of videos told by webhook", str(ends.total()), tuple(wrong))


def _over(tx: Tx) -> Finding:
    """Nobody is there any more: who is still charged for talking was forgotten."""
    query = sa.select(conversations.c.id, conversations.c.node).where(
        conversations.c.state == "live"
    )
    rows = list(tx.execute(query))
    wrong = tuple(f"conversation {row.id} still costs, led by {row.node}" for row in rows)
    return Finding("conversations under way at the end", str(len(rows)), wrong)


def _balances(tx: Tx) -> Finding:
    sums: dict[str, int] = {
        row.account_id: int(row.total)
        for row in tx.execute(
            sa.select(entries.c.account_id, sa.func.sum(entries.c.amount).label("total")).group_by(
                entries.c.account_id
            )
        )
    }
    rows = list(tx.execute(sa.select(accounts)))
    wrong = [
        f"{row.account_id} has {row.balance}, its entries sum up to {sums.get(row.account_id, 0)}"
        for row in rows
        if row.balance != sums.get(row.account_id, 0)
    ]
    wrong += [f"{row.account_id} still holds {row.held}" for row in rows if row.held]
    return Finding("balances that equal their entries", str(len(rows)), tuple(wrong))


def _ended_holds(tx: Tx) -> Finding:
    states = Counter(tx.execute(sa.select(holds.c.state)).scalars())
    wrong = (f"{states['held']} are neither settled nor released",) if states["held"] else ()
    return Finding("holds, by their end", _counted(states), wrong)


def _sessions(tx: Tx) -> Finding:
    rows = list(tx.execute(sa.select(conversations)))
    wrong = [f"conversation {row.id} is {row.state}" for row in rows if row.state != "ended"]
    wrong += [f"conversation {row.id} took too long" for row in rows if row.seconds > row.limit_s]
    captured = {row.id: row.captured for row in tx.execute(sa.select(holds))}
    wrong += [
        f"conversation {row.id} says {row.charged}, the ledger {captured.get(row.hold_id, 0)}"
        for row in rows
        if row.charged != captured.get(row.hold_id, 0)
    ]
    reasons = Counter(str(row.reason) for row in rows)
    return Finding("conversations, by their end", _counted(reasons), tuple(wrong))


def _paid_once(tx: Tx) -> Finding:
    captured = {row.id: row.captured for row in tx.execute(sa.select(holds))}
    rows = list(tx.execute(sa.select(videos)))
    wrong = [
        f"video {row.id} says {row.charged}, the ledger {captured.get(row.hold_id, 0)}"
        for row in rows
        if row.charged != captured.get(row.hold_id, 0)
    ]
    wrong += [
        f"video {row.id} failed and was charged {row.charged}"
        for row in rows
        if row.status == "failed" and row.charged
    ]
    return Finding("videos charged as the ledger says", str(len(rows)), tuple(wrong))


def _charged_once(tx: Tx) -> Finding:
    """What a hold says was taken is what stands in the books under its name."""
    booked = {
        row.reference: -row.amount
        for row in tx.execute(sa.select(entries).where(entries.c.amount < 0))
    }
    taken = {row.reference: row.captured for row in tx.execute(sa.select(holds))}
    wrong = [
        f"{reference} took {taken.get(reference, 0)}, its entry {booked.get(reference, 0)}"
        for reference in sorted(booked.keys() | taken.keys())
        if taken.get(reference, 0) != booked.get(reference, 0)
    ]
    return Finding("charges that their holds know of", str(len(booked)), tuple(wrong))


def _spoken_once(tx: Tx, orders: Mapping[str, int]) -> Finding:
    """Asked again under the same key, a speech costs nothing more."""
    paid: Counter[str] = Counter(
        tx.execute(sa.select(holds.c.account_id).where(holds.c.kind == "tts", holds.c.captured > 0))
        .scalars()
        .all()
    )
    wrong = [
        f"{account} asked for {most} speeches and paid for {paid[account]}"
        for account, most in orders.items()
        if paid[account] > most
    ]
    return Finding("speeches that were paid for", str(paid.total()), tuple(wrong))


def _orphans(house: House) -> list[str]:
    """Files that no row speaks of; samples of stock voices and what sayings keep have none."""
    with house.db.read() as tx:
        photos = set(tx.execute(sa.select(characters.c.photo_key)).scalars())
        faces = set(tx.execute(sa.select(avatars.c.folder)).scalars())
        films = {row.id: row for row in tx.execute(sa.select(videos))}
        answers = set(tx.execute(sa.select(requests.c.storage_key)).scalars())
    people = {key.rsplit("/", 1)[0] for key in photos}

    def known(key: str) -> bool:
        kind, owner = key.split("/")[:2]
        return (
            (kind == "videos" and owner in films and _of_film(films[owner], key))
            or (kind == "characters" and f"{kind}/{owner}" in people and _current(key))
            or (kind == "speech" and key in answers)
        )

    def _of_film(row: sa.Row[Any], key: str) -> bool:
        """Of one that is over, what it names; one film is enough."""
        return row.status == "processing" or key in (row.output_key, row.srt_key, row.vtt_key)

    def _current(key: str) -> bool:
        folder = key.rsplit("/", 1)[0] + "/"
        return key in photos or folder in faces or folder.count("/") == 2

    keys = [
        key for kind in ("videos/", "characters/", "speech/") for key in house.storage.keys(kind)
    ]
    return [key for key in keys if not known(key)]


def _orphaned(house: House, strays: int) -> Finding:
    left = _orphans(house)
    left += [f"workshop {path.name}" for path in house.settings.workshops.glob("*/*")]
    return Finding("files without a row, before tidying up", str(strays), tuple(left))


def _kept(house: House) -> Finding:
    """The other way round: nothing that somebody paid for is gone."""
    with house.db.read() as tx:
        rows = list(tx.execute(sa.select(videos).where(videos.c.status == "completed")))
        photos = set(tx.execute(sa.select(characters.c.photo_key)).scalars())
    named = [key for row in rows for key in (row.output_key, row.srt_key, row.vtt_key) if key]
    wrong = [f"{key} is gone" for key in (*named, *photos) if not house.storage.exists(key)]
    return Finding("files that rows name", str(len(named) + len(photos)), tuple(wrong))


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(found.items())) or "none"
