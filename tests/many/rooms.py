"""Talk processes behind a real LiveKit server, and visitors in its rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi.testclient import TestClient

from charafy.conversations.models import Conversation
from charafy.house import House
from tests.support.conversations import asked, row
from tests.support.many import Many, Process, until
from tests.support.room_visitor import RoomVisitor
from tests.support.videos import Customer

WITHIN_S: Final = 120.0
"""For all that takes seconds on a quiet machine."""


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
