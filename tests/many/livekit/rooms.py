"""Talk processes behind a real LiveKit server, and visitors in its rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi.testclient import TestClient

from charafy.conversations.models import Conversation
from charafy.house import House
from tests.support.conversations import asked, row, spent
from tests.support.many import Many, Process, until
from tests.support.room_visitor import RoomVisitor
from tests.support.videos import Customer, Money, money

WITHIN_S: Final = 120.0
"""For all that takes seconds on a quiet machine."""
LONG: Final = "one two three four five six seven eight nine ten " * 2
"""What takes so long to answer that much can happen meanwhile."""


@dataclass(slots=True)
class Guest:
    """A visitor, and the conversation that they are in."""

    house: House
    conversation_id: str
    url: str
    token: str
    visitor: RoomVisitor

    @property
    def row(self) -> Conversation:
        return row(self.house, self.conversation_id)

    @property
    def elapsed_s(self) -> float:
        """From the first word to the end, however it was spent."""
        ended = self.row
        assert ended.connected_at is not None
        assert ended.ended_at is not None
        return (ended.ended_at - ended.connected_at).total_seconds()

    @property
    def said(self) -> list[tuple[str, str]]:
        """Role and text of each turn that is kept."""
        answer = self.house.conversation_room.conversations.get(
            self.row.account_id, self.conversation_id
        )
        return [(turn.role, turn.text) for turn in answer.transcript]

    async def answered(self, text: str) -> None:
        """Say it, and hear the whole answer."""
        before = len(self.visitor.of("speech-ended"))
        await self.visitor.insist("send-text", within_s=WITHIN_S, content=text)
        await self.visitor.told("speech-ended", times=before + 1, within_s=WITHIN_S)

    async def becomes(self, condition: Callable[[Conversation], bool]) -> None:
        """Wait for it."""
        async with asyncio.timeout(WITHIN_S):
            while not condition(await asyncio.to_thread(lambda: self.row)):
                await asyncio.sleep(0.1)

    async def hang_up(self) -> None:
        await self.visitor.send("disconnect-bot")
        await self.becomes(lambda one: one.state == "ended")
        await self.visitor.leave()


async def joined(client: TestClient, house: House, who: Customer) -> Guest:
    """Who has been greeted."""
    ticket = await asyncio.to_thread(asked, client, who)
    guest = Guest(
        house, ticket["conversation_id"], ticket["livekit_url"], ticket["token"], RoomVisitor()
    )
    await guest.visitor.join(guest.url, guest.token, microphone=False)
    await guest.visitor.told("speech-ended", within_s=WITHIN_S)
    return guest


def talk(started: Many, name: str, **env: str) -> Process:
    """A talk process of this name that LiveKit knows."""
    process = started.talk(CHARAFY_LOG_LEVEL="info", CHARAFY_TALK_NAME=name, **env)
    until(lambda: "livekit_ready" in process.said(), "LiveKit knows it")
    return process


def is_paid_once(house: House, who: Customer, guest: Guest) -> None:
    """By the second, for what somebody led, from what was set aside; the rest came back."""
    ended = guest.row
    assert ended.state == "ended"
    assert ended.seconds <= guest.elapsed_s - ended.gap_s + 2
    assert ended.charged == -(-ended.audio_rate * ended.seconds // 60)
    # Nothing, where it was lost before its first beat: no entry says so.
    assert [-entry.amount for entry in spent(house, who)] == [ended.charged] * bool(ended.charged)
    assert money(house, who) == Money(10_000 - ended.charged, 0)
