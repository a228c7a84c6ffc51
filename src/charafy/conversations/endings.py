"""How a conversation ends: settled exactly once, whoever comes first.

The row's state decides: what changes it to "ended" also takes what is owed, gives the rest back
and writes the webhook event, in one unit of work. Everybody else finds it over and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from charafy.conversations import queries
from charafy.conversations.models import Conversation, Ending, State
from charafy.conversations.price import owed, within
from charafy.conversations.schemas import ConversationAnswer
from charafy.credits.service import Credits, HoldEnded
from charafy.kernel.clock import Clock
from charafy.kernel.db import Tx

log = structlog.get_logger("charafy.conversations")

Emit = Callable[[Tx, str, str, Mapping[str, object]], None]
"""Account, type of event, data: tells the account's webhooks once the unit of work commits."""

EVENT: Final = "conversation.ended"


class Endings:
    """Thread-safe; used by the API, by the sweeper and by whoever leads conversations."""

    def __init__(self, clock: Clock, *, credits: Credits, emit: Emit) -> None:
        self._clock = clock
        self._credits = credits
        self._emit = emit

    def end(
        self,
        tx: Tx,
        conversation: Conversation,
        ending: Ending,
        *,
        when: State | None = None,
        led_in: int | None = None,
    ) -> Conversation | None:
        """Settle it, or None when somebody did before.

        `when`: only if it is (still) in that state; default: the state it was read in. `led_in`:
        only in that term.
        """
        minted = (when or conversation.state) == "minted"
        due = 0 if minted else owed(conversation, ending)
        lasted = 0.0 if minted else within(ending.seconds, conversation.limit_s)
        seen = ending.video_seconds
        now = self._clock.now()
        connected_at = conversation.connected_at
        if connected_at is None and lasted:  # its node had no time to say so
            connected_at = now - timedelta(seconds=lasted)
        ended = queries.update(
            tx,
            conversation.conversation_id,
            [when or conversation.state],
            led_in=led_in,
            state="ended",
            connected_at=connected_at,
            ended_at=now,
            seconds=round(lasted, 3),
            video_seconds=None if seen is None else round(within(seen, lasted), 3),
            reason=ending.reason,
            charged=due,
        )
        if ended is None:
            return None
        taken = self._settle(tx, ended, due)
        if taken != due:
            queries.correct(tx, ended.conversation_id, charged=taken)
            ended = replace(ended, charged=taken)
        answer = ConversationAnswer.of(ended)
        self._emit(tx, ended.account_id, EVENT, answer.model_dump(mode="json"))
        return ended

    def _settle(self, tx: Tx, conversation: Conversation, due: int) -> int:
        if not due:
            self._credits.release(tx, conversation.hold_id)
            return 0
        try:
            return self._credits.capture(tx, conversation.hold_id, due)
        except HoldEnded:
            # Nobody swept for a day and then the credits went first: ours to bear.
            log.warning(
                "conversation_not_charged",
                conversation_id=conversation.conversation_id,
                credits=due,
            )
            return 0
