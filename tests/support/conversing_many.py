"""A conversation with one of several talk processes, through one of several APIs."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from charafy.conversations.models import Conversation
from charafy.house import House
from tests.support.caller import Caller
from tests.support.conversations import row
from tests.support.videos import Customer


@dataclass(frozen=True, slots=True)
class Call:
    """One that is going on."""

    conversation_id: str
    caller: Caller

    def row(self, house: House) -> Conversation:
        """What the database knows of it."""
        return row(house, self.conversation_id)

    async def says(self, text: str) -> None:
        """Have the character say it, and hear that it did."""
        before = len(self.caller.of("speech-ended"))
        self.caller.send("client-message", t="say", d={"text": text})
        await self.caller.told("speech-ended", times=before + 1)

    async def hang_up(self) -> None:
        self.caller.send("disconnect-bot")
        await self.caller.told("ended")
        await self.caller.hang_up()


async def called(port: int, who: Customer) -> Call:
    """A conversation that is going on, asked for and connected through the API at `port`."""
    api = f"http://127.0.0.1:{port}/api/v1"
    async with httpx.AsyncClient(base_url=api, headers=who.headers, timeout=60) as client:
        body = {"character_id": who.character_id, "mode": "audio-only"}
        ticket = (await client.post("/conversation/token", json=body)).json()
        caller = Caller()
        answer = await client.post(
            "/conversation/connect",
            json={"sdp": await caller.offer(), "type": "offer"},
            headers={"Authorization": f"Bearer {ticket['token']}"},
        )
        assert answer.status_code == 200, answer.text
        await caller.answered(answer.json())
    await caller.told("speech-ended")
    return Call(ticket["conversation_id"], caller)
