"""Some callers in LiveKit's rooms, as `bench.callers` are on peer connections.

LiveKit's client fills holes of some hundredths of a second by itself, as browsers do, so what it
calls a gap is a real one. Its sound is looked at in frames of 20 ms.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import numpy as np
from livekit import rtc

from bench.heard_turns import gaps
from charafy.client.ticket import Ticket
from tests.support.room_visitor import RoomVisitor

PATIENCE_S: Final = 30.0
_LOUD: Final = 300
"""Of 32,767: about the threshold of the other callers' ears."""


async def talk(ticket: Ticket, speak_at: float, until: float, text: str) -> tuple[int, list[float]]:
    """Replies that were heard to their end, and the gaps in them.

    `ticket.connect_url` is LiveKit's. Raises `TimeoutError`, `ConnectError` of LiveKit, or
    `LookupError` for a reply that nobody heard.
    """
    visitor = RoomVisitor()
    try:
        await visitor.join(ticket.connect_url, ticket.token)
        await visitor.told("speech-ended", within_s=PATIENCE_S)
        await asyncio.sleep(max(0.0, speak_at - time.time()))
        return await _talked(visitor, until, text)
    finally:
        await visitor.leave()


async def _talked(visitor: RoomVisitor, until: float, text: str) -> tuple[int, list[float]]:
    replies, found = 0, list[float]()
    while time.time() < until:
        before, over = len(visitor.of("speech")), len(visitor.of("speech-ended"))
        began = time.monotonic()
        await visitor.send("client-message", t="say", d={"text": text})
        await visitor.told("speech-ended", times=over + 1, within_s=PATIENCE_S)
        await asyncio.sleep(0.3)
        heard = np.asarray([at for at, loud in visitor.heard if at >= began and loud > _LOUD])
        if not len(heard):
            raise LookupError("a reply was not heard")
        replies += 1
        found += gaps(heard, visitor.of("speech")[before:])
        visitor.heard.clear()
    return replies, found


FAILURES: Final = (TimeoutError, rtc.ConnectError, LookupError)
