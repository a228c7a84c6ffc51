"""What a session says of itself to the database, as the one that leads the conversation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog

from charafy.kernel.observe import describe

if TYPE_CHECKING:
    from charafy.conversations.models import Admitted, Ending, TurnRecord
    from charafy.conversations.sessions import Sessions
    from charafy.conversations.succession import Succession

log = structlog.get_logger("charafy.talk")

_DB_S: Final = 15.0
_TRIES: Final = 3
_AGAIN_S: Final = 1.0


class Lead:
    """Of one conversation in one term. Belongs to one event loop; the database is asked beside it.

    What is said in a term that is over changes nothing.
    """

    def __init__(self, admitted: Admitted, sessions: Sessions, succession: Succession) -> None:
        self._id = admitted.conversation_id
        self._term = admitted.term
        self._before_s = admitted.before.seconds if admitted.before is not None else 0.0
        self._sessions = sessions
        self._succession = succession
        self._turns: asyncio.Queue[TurnRecord | None] = asyncio.Queue()

    async def reached(self) -> None:
        """Have it paid from now on, whoever settles it."""
        while True:
            try:
                await asyncio.to_thread(
                    self._sessions.reached, self._id, term=self._term, before_s=self._before_s
                )
            except Exception as error:  # noqa: BLE001 - a database that is busy now may not be next time
                log.warning("arrival_missed", **describe(error))
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def beat(self, video_seconds: float | None) -> bool:
        """Keep the credits held; False: it was ended elsewhere, or another leads it."""
        try:
            return await asyncio.to_thread(
                self._sessions.beat, self._id, term=self._term, video_seconds=video_seconds
            )
        except Exception as error:  # noqa: BLE001 - a database that is busy now may not be next time
            log.warning("beat_missed", **describe(error))
            return True

    def note(self, turn: TurnRecord) -> None:
        """Keep it, in order."""
        self._turns.put_nowait(turn)

    async def keep(self) -> None:
        """Until `kept`: write down what is noted."""
        while (turn := await self._turns.get()) is not None:
            try:
                await asyncio.to_thread(self._sessions.turn, self._id, turn, term=self._term)
            except Exception as error:  # noqa: BLE001 - a lost line of a transcript ends no conversation
                log.error("turn_not_kept", **describe(error))

    async def kept(self, keeping: asyncio.Task[None]) -> None:
        """Wait until all is written down that was noted; bounded."""
        self._turns.put_nowait(None)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(keeping, _DB_S)

    async def settle(self, ending: Ending) -> None:
        def end() -> None:
            self._sessions.end(self._id, ending, term=self._term)

        for _ in range(_TRIES):
            if await self._done(end, "not_settled"):  # the sweeper settles what stays open
                return
            await asyncio.sleep(_AGAIN_S)

    async def hand_over(self, video_seconds: float | None) -> bool:
        """Let another process lead it; False: it is to be settled, if it is still ours."""

        def leave() -> bool:
            return self._succession.hand_over(
                self._id, term=self._term, video_seconds=video_seconds
            )

        return bool(await self._done(leave, "not_handed_over"))

    async def has_moved(self) -> bool:
        """Whether another leads it by now. Where the database can't say: not as far as we know."""

        def moved() -> bool:
            return self._succession.has_moved(self._id, self._term)

        return bool(await self._done(moved, "not_known_who_leads"))

    async def _done(self, work: Callable[[], bool | None], failed: str) -> bool:
        """Whether it succeeded, and was not answered with False."""
        try:
            async with asyncio.timeout(_DB_S):
                return await asyncio.to_thread(work) is not False
        except Exception as error:  # noqa: BLE001 - whatever it is: each caller goes on without
            log.error(failed, **describe(error))
            return False
