"""Machines and dollars for many conversations, from unit costs that were measured.

`python -m bench.scale` prints the table of docs/scale.md. Nothing is measured here: each cost says
where it was, and what nobody measured is an assumption in `Assumed`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SIZES: Final = (10, 1_000, 100_000)


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU-seconds per second of one conversation; docs/decisions/live-conversation.md, README."""

    idle: float = 0.14
    listening: float = 0.15
    answering: float = 1.02
    speaking: float = 0.66
    among_many: float = 0.09
    """A whole session where engines cost nothing (scripted), ten in a process."""
    voice: float = 0.27
    """Per second of speech, English."""
    picture: float = 0.17
    """More, with a picture drawn by the server."""
    beats_per_s: float = 0.1
    charges_per_s: float = 1_100.0
    """What SQLite took, every one synced to disk."""
    statements: float = 121.0
    commits: float = 58.0
    """Of a conversation of five minutes and twelve exchanges on PostgreSQL, beats included."""
    voice_kb_per_min: float = 501.0
    picture_kb_per_min: float = 9_016.0
    """To the client, with UDP's and IP's headers: without a picture, and with the server's."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """What was not measured. Shares of a conversation's time sum up to one."""

    idle: float = 0.30
    listening: float = 0.25
    answering: float = 0.10
    speaking: float = 0.35
    busy: float = 0.6
    """How much of a core may be in use before answers get late."""
    cores: int = 16
    dollars_per_core_month: float = 25.0
    length_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Row:
    conversations: int
    kind: str
    cores: float
    machines: int
    dollars_month: float
    mbit_per_s: float
    """To the clients."""
    beats_per_s: float
    statements_per_s: float
    commits_per_s: float
    money_moves_per_s: float


def per_conversation(costs: Costs, mix: Assumed, *, embedded: bool, picture: bool) -> float:
    """Cores that one conversation takes on average.

    Without the embedded language model an answer is waited for as cheaply as a visitor is heard,
    and a session costs what it does among many, and its voice.
    """
    drawn = costs.picture if picture else 0.0
    if not embedded:
        return costs.among_many + mix.speaking * costs.voice + drawn
    return drawn + (
        mix.idle * costs.idle
        + mix.listening * costs.listening
        + mix.answering * costs.answering
        + mix.speaking * costs.speaking
    )


def rows(costs: Costs, mix: Assumed, sizes: Sequence[int] = SIZES) -> list[Row]:
    """One per size and way to run, in the order of the table."""
    ways = (
        ("all embedded", True, False),
        ("language model elsewhere", False, False),
        ("elsewhere, picture by the server", False, True),
    )
    return [
        _row(size, name, costs, mix, embedded=own, picture=drawn)
        for size in sizes
        for name, own, drawn in ways
    ]


def _row(size: int, kind: str, costs: Costs, mix: Assumed, *, embedded: bool, picture: bool) -> Row:
    cores = size * per_conversation(costs, mix, embedded=embedded, picture=picture) / mix.busy
    kb_per_min = costs.picture_kb_per_min if picture else costs.voice_kb_per_min
    machines = math.ceil(cores / mix.cores)
    return Row(
        size,
        kind,
        cores,
        machines,
        machines * mix.cores * mix.dollars_per_core_month,
        size * kb_per_min * 8 / 60 / 1_000,
        size * costs.beats_per_s,
        size * costs.statements / mix.length_s,
        size * costs.commits / mix.length_s,
        2 * size / mix.length_s,  # a hold and its capture
    )


def table(found: Sequence[Row]) -> str:
    """Markdown."""
    lines = [
        "| conversations | engines | cores | machines | $ a month | Mbit/s | beats/s "
        "| SQL statements/s | commits/s | money moves/s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.conversations:,} | {row.kind} | {row.cores:,.0f} | {row.machines:,}"
        f" | {row.dollars_month:,.0f} | {row.mbit_per_s:,.0f} | {row.beats_per_s:,.0f}"
        f" | {row.statements_per_s:,.0f} | {row.commits_per_s:,.0f}"
        f" | {row.money_moves_per_s:,.1f} |"
        for row in found
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(rows(Costs(), Assumed())))
