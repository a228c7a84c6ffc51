"""An account in which something has happened: a month of work, conversations and webhooks.

For looking at pages: what is in it is the same every time, and nothing of it is random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from charafy.characters.service import Character
from charafy.conversations.models import Ending, Reason, TurnRecord
from charafy.conversations.schemas import CreateToken
from charafy.house import House
from charafy.kernel.db import Tx
from charafy.kernel.ids import new_id, stable_id
from charafy.webhooks.tables import attempts, deliveries, events
from tests.support.clock import ManualClock

DAYS: Final = 30
DAY_S: Final = 86_400

_TALKS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "en": (
        ("assistant", "Hello! Looking for something to read, or just for a warm chair?"),
        ("user", "Something short, for a train ride of two hours."),
        ("assistant", "Two hours is a novella. Take The Summer Book: twenty-two small days."),
        ("user", "Is it sad?"),
        ("assistant", "A little, the way the end of August is. You'll miss your stop"),
        ("user", "Sold. <script>alert('x')</script> Do you ship to Kyoto?"),
        ("assistant", "I only keep the chair warm here, so I can't post anything. The shop can."),
    ),
    "ja": (
        ("assistant", "こんにちは！今日はどんなご用ですか？"),
        ("user", "来週、京都へ行くんですが、おすすめはありますか。"),
        ("assistant", "朝の南禅寺が静かで好きです。水路閣の影がきれいですよ。"),
        ("user", "ありがとう。雨でも大丈夫ですか？"),
        ("assistant", "雨の日こそ苔がきれいです。すべりにくい靴でどうぞ。"),
    ),
}
_STAGES: Final = (
    {"recognised": 0.14, "committed": 0.31, "thought": 0.62, "spoken": 0.78, "audible": 0.91},
    {"recognised": 0.11, "committed": 0.28, "thought": 0.94, "spoken": 1.12, "audible": 1.24},
    {"recognised": 0.18, "committed": 0.40, "thought": 0.71, "spoken": 0.86, "audible": 0.99},
)


@dataclass(frozen=True, slots=True)
class LivedIn:
    """What there is to look at."""

    account_id: str
    conversation_id: str
    endpoint_id: str
    character_id: str


def live_in(house: House, clock: ManualClock, account_id: str) -> LivedIn:
    """Let a month pass in this account, from the clock's time on. It has characters."""
    people = house.characters.list(account_id)
    gone = stable_id("seed", "a character that was deleted since")
    talks = []
    with house.db.write() as tx:
        house.credits.grant(
            tx,
            account_id,
            5_000,
            kind="purchase",
            reference=f"seed:{account_id}",
            description="Credit purchase",
        )
    for day in range(DAYS):
        _work(house, account_id, day, [one.character_id for one in people] + [gone])
        if day % 2 == 0 or day > DAYS - 4:
            talks.append(_talk(house, account_id, people[day % len(people)], day))
        clock.advance(DAY_S if day < DAYS - 1 else 0)
    _talk(house, account_id, people[-1], day=None)
    house.embeds.update(
        account_id,
        people[0].character_id,
        {"embed_enabled": True, "allowed_origins": ("https://shop.example",)},
    )
    with house.db.write() as tx:
        house.credits.hold(
            tx,
            account_id,
            38,
            kind="video",
            reference=f"video:{new_id()}",
            description=f"Video {stable_id('seed', 'video')}",
            lease_s=DAY_S,
            character_id=people[0].character_id,
        )
        endpoint_id = _webhooks(house, clock, tx, account_id)
    return LivedIn(account_id, talks[-1], endpoint_id, people[0].character_id)


def _work(house: House, account_id: str, day: int, whose: list[str]) -> None:
    """A working week's ups and downs, quieter at its end."""
    busy = 1 if day % 7 in (5, 6) else 3 + (day * 7) % 5
    work = [("tts", 4 + (day * 5) % 17, "Text-to-speech, 840 characters")] * busy
    if day % 3 == 0:
        work.append(("video", 30 + (day * 11) % 45, f"Video {stable_id('seed', str(day))}"))
    if day in (2, 16):
        work.append(("avatar", 8, "Moving face"))
    if day == 9:
        work.append(("voice_clone", 100, "Cloned voice"))
    with house.db.write() as tx:
        for number, (kind, amount, description) in enumerate(work):
            house.credits.charge(
                tx,
                account_id,
                amount,
                kind=kind,
                reference=f"{kind}:{new_id()}",
                description=description,
                character_id=None if kind == "voice_clone" else whose[(day + number) % len(whose)],
            )


def _talk(house: House, account_id: str, person: Character, day: int | None) -> str:
    """A conversation of this day, or (None) one to which nobody came so far; its id."""
    account = house.accounts.get(account_id)
    room = house.conversation_room
    body = CreateToken(
        character_id=person.character_id,
        mode="audio-only",
        visitor_name="Mika" if day and day % 4 else None,
    )
    with house.db.write() as tx:
        ticket = room.conversations.mint(tx, account.caller(), body)
    if day is None:
        return ticket.conversation_id
    room.sessions.admit(ticket.token, "seed")
    at_s = 0.4
    for number, (role, text) in enumerate(_TALKS[person.language]):
        answers = role == "assistant" and number > 0
        turn = TurnRecord(
            "assistant" if role == "assistant" else "user",
            text,
            interrupted=role == "assistant" and number == 4,
            started_s=at_s,
            latency=_STAGES[(number + day) % len(_STAGES)] if answers else {},
        )
        room.sessions.turn(ticket.conversation_id, turn)
        at_s += 2 + len(text) / 14
    reasons: tuple[Reason, ...] = ("hang_up", "hang_up", "idle", "hang_up", "disconnected")
    ending = Ending(reasons[day % len(reasons)], at_s + 20 + day * 3)
    room.sessions.end(ticket.conversation_id, ending)
    return ticket.conversation_id


def _webhooks(house: House, clock: ManualClock, tx: Tx, account_id: str) -> str:
    """Two endpoints; the id of the one whose log has all that a log can have."""
    house.webhooks.add(
        tx,
        account_id,
        "https://staging.example.com/charafy",
        events=("conversation.ended",),
        description="Staging",
    )
    endpoint = house.webhooks.add(
        tx, account_id, "https://example.com/hooks/charafy", description="Production"
    )
    for status, answers in (
        ("delivered", ((200, "ok", None),)),
        ("failed", ((503, "<h1>busy</h1>", None), (None, None, "The connection timed out."))),
        ("pending", ((500, '{"error": "database is locked"}', None),)),
        ("delivered", ((503, "busy", None), (200, "ok", None))),
    ):
        _delivery(clock, tx, account_id, endpoint.endpoint_id, status, answers)
    return endpoint.endpoint_id


def _delivery(
    clock: ManualClock,
    tx: Tx,
    account_id: str,
    endpoint_id: str,
    status: str,
    answers: tuple[tuple[int | None, str | None, str | None], ...],
) -> None:
    event_id, delivery_id, now = new_id(), new_id(), clock.now()
    event_type = "video.completed" if status == "delivered" else "conversation.ended"
    event = {
        "id": event_id,
        "account_id": account_id,
        "type": event_type,
        "body": b"{}",
        "created_at": now,
    }
    delivery = {
        "id": delivery_id,
        "event_id": event_id,
        "endpoint_id": endpoint_id,
        "status": status,
        "tries": len(answers),
        # Far enough away that no server, started on this data, sends anything.
        "due_at": clock.now().replace(year=clock.now().year + 1) if status == "pending" else None,
        "lease": None,
        "created_at": now,
    }
    tx.execute(events.insert(), event)
    tx.execute(deliveries.insert(), delivery)
    for number, (answered, said, error) in enumerate(answers):
        attempt = {
            "delivery_id": delivery_id,
            "at": now,
            "duration_ms": 131 + 877 * number,
            "response_status": answered,
            "response_body": said,
            "error": error,
        }
        tx.execute(attempts.insert(), attempt)
