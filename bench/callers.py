"""Some callers in a process of their own, so that they share no lock with anybody else.

`python -m bench.callers` reads an order as JSON and tells what it heard as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from bench.heard_turns import gaps
from charafy.client.conversation import Conversation, ConversationFailed
from charafy.client.ticket import Ticket

PATIENCE_S: Final = 30.0
_TICK_S: Final = 0.02
_SAID: Final = "Let me tell you about a garden behind an old temple, where a quiet stream runs."


@dataclass(frozen=True, slots=True)
class Order:
    """When all are to speak: `time.time()`. Until then they are connected and silent."""

    tickets: list[Ticket]
    speak_at: float
    until: float
    rooms: bool = False
    """LiveKit carries them."""


@dataclass(frozen=True, slots=True)
class Heard:
    """By one caller."""

    replies: int = 0
    gaps: tuple[float, ...] = ()
    failure: str = ""
    stalled_s: float = 0.0
    """The longest that these callers themselves were held up: gaps so long may be their own."""


async def stalls(found: list[float]) -> None:
    """Note how late this process wakes up, until cancelled."""
    while True:
        due = time.monotonic() + _TICK_S
        await asyncio.sleep(_TICK_S)
        found.append(time.monotonic() - due)


async def call(ticket: Ticket, order: Order) -> Heard:
    try:
        async with Conversation(ticket) as talk:
            await talk.wait_for("server-message/speech-ended", timeout_s=PATIENCE_S)
            await asyncio.sleep(max(0.0, order.speak_at - time.time()))
            return await _talked(talk, order.until)
    except ConversationFailed as error:
        return Heard(failure=f"{error.code}: {error}")


async def call_in_room(ticket: Ticket, order: Order) -> Heard:
    from bench import room_callers

    try:
        replies, found = await room_callers.talk(ticket, order.speak_at, order.until, _SAID)
    except room_callers.FAILURES as error:
        return Heard(failure=f"{type(error).__name__}: {error}")
    return Heard(replies, tuple(found))


async def _talked(talk: Conversation, until: float) -> Heard:
    replies, found = 0, list[float]()
    while time.time() < until:
        since, began = len(talk.told), time.monotonic()
        talk.say(_SAID)
        await talk.wait_for("server-message/speech-ended", timeout_s=PATIENCE_S, since=since)
        await asyncio.sleep(0.3)
        pieces = [t.data for t in talk.told[since:] if t.name == "server-message/speech"]
        heard = np.asarray(talk.ears.sounds(began))
        if not len(heard):
            return Heard(replies, tuple(found), "a reply was not heard")
        replies, found = replies + 1, found + list(gaps(heard, pieces))
    return Heard(replies, tuple(found))


async def main() -> None:
    said: dict[str, Any] = json.load(sys.stdin)
    tickets = [Ticket(**one) for one in said["tickets"]]
    order = Order(tickets, said["speak_at"], said["until"], said["rooms"])
    late: list[float] = []
    watching = asyncio.create_task(stalls(late))
    calling = call_in_room if order.rooms else call
    heard = await asyncio.gather(*(calling(ticket, order) for ticket in order.tickets))
    watching.cancel()
    stalled_s = max(late, default=0.0)
    json.dump([asdict(replace(one, stalled_s=stalled_s)) for one in heard], sys.stdout)


if __name__ == "__main__":
    asyncio.run(main())
