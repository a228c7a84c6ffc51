"""Beginning conversations, looking at them and forgetting them: the customer's side."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from charafy.characters.service import Character, Characters
from charafy.conversations import queries
from charafy.conversations.chores import HOLD_SLACK
from charafy.conversations.endings import Endings
from charafy.conversations.ice import ice_servers
from charafy.conversations.livekit import LiveKit
from charafy.conversations.models import Conversation, Ending, State
from charafy.conversations.price import affordable, prepaid
from charafy.conversations.schemas import (
    Billing,
    ConversationAnswer,
    ConversationDetail,
    CreateToken,
    IceServer,
    TokenAnswer,
)
from charafy.conversations.tokens import LIFE, Tokens
from charafy.credits.service import Credits, Hold
from charafy.kernel.clock import Clock
from charafy.kernel.cursors import cursor_after
from charafy.kernel.db import Database, Tx, one_at_a_time
from charafy.kernel.errors import InsufficientCredits, NotFound, TooManyRequests
from charafy.kernel.http.caller import Caller
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Settings

CONNECT_PATH: Final = "/api/v1/conversation/connect"
_NOTE: Final = "Unused credits are refunded when the session ends."
_TEST_NOTE: Final = "Test keys are not charged."
_TRIES: Final = 3
"""Other work of the account may take credits between a look at the balance and the hold."""


class Conversations:
    """The conversations of all accounts. Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        characters: Characters,
        credits: Credits,
        tokens: Tokens,
        endings: Endings,
        settings: Settings,
        livekit: LiveKit | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._characters = characters
        self._credits = credits
        self._tokens = tokens
        self._endings = endings
        self._settings = settings
        self._livekit = livekit

    def require_media(self) -> None:
        """Raise `UpstreamFailed` where a visitor could not come: before a token costs anything.

        Waits for LiveKit: call it outside of a unit of work.
        """
        if self._livekit is not None:
            self._livekit.require()

    def mint(
        self,
        tx: Tx,
        caller: Caller,
        body: CreateToken,
        *,
        origin: str | None = None,
        life: timedelta = LIFE,
    ) -> TokenAnswer:
        """Set the credits aside and make the token, to connect with within `life`.

        `origin`: the page that asked, if one did.

        Raises `NotFound`, `InsufficientCredits` below one minute, `TooManyRequests` when test keys
        had enough for today.
        """
        one_at_a_time(tx, f"conversations:{caller.account_id}")
        character = self._characters.owned(tx, caller.account_id, body.character_id.lower())
        conversation = self._begun(tx, caller, body, character, origin=origin, life=life)
        queries.insert(tx, conversation)
        url = f"{self._settings.base_url}{CONNECT_PATH}"
        return TokenAnswer(
            token=self._tokens.make(conversation, body.visitor_name or "Visitor", url, life),
            conversation_id=conversation.conversation_id,
            mode=conversation.mode,
            session_limit_seconds=conversation.limit_s,
            expires_in=int(life.total_seconds()),
            credits_used=conversation.held,
            credits_remaining=self._credits.balance(tx, caller.account_id).available,
            billing=Billing(
                rate_credits_per_minute=conversation.rate,
                prepaid_credits=conversation.held,
                note=_TEST_NOTE if caller.is_test else _NOTE,
            ),
            connect_url=url,
            ice_servers=self.ice_servers(conversation.conversation_id),
            livekit_url=self._livekit.url if self._livekit else None,
        )

    def ice_servers(self, conversation_id: str) -> list[IceServer]:
        return ice_servers(self._settings, self._clock, conversation_id)

    def get(self, account_id: str, conversation_id: str) -> ConversationDetail:
        """With what was said so far. Raises `NotFound` for anyone else's."""
        with self._db.read() as tx:
            conversation = self._owned(tx, account_id, conversation_id)
            turns = queries.turns_of(tx, conversation.conversation_id)
        return ConversationDetail.with_turns(conversation, turns)

    def page(
        self,
        account_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        character_id: str | None = None,
        status: State | None = None,
    ) -> tuple[list[ConversationAnswer], str | None]:
        """At most `limit` conversations, newest first, and where the next page starts."""
        with self._db.read() as tx:
            found = queries.page(
                tx,
                account_id,
                limit=limit + 1,
                cursor=cursor,
                character_id=character_id,
                status=status,
            )
        last = found[limit - 1] if len(found) > limit else None
        answers = [ConversationAnswer.of(conversation) for conversation in found[:limit]]
        return answers, cursor_after(last.created_at, last.conversation_id) if last else None

    def delete(self, account_id: str, conversation_id: str) -> str:
        """Forget what was said; one that goes on ends, and is charged so far. Raises `NotFound`.

        Answers its id as it is spelled here.
        """
        with self._db.write() as tx:
            conversation = self._owned(tx, account_id, conversation_id, lock=True)
            self._end_deleted(tx, conversation)
            queries.delete_turns(tx, [conversation.conversation_id])
            queries.correct(
                tx,
                conversation.conversation_id,
                deleted_at=self._clock.now(),
                visitor=None,
                greeting=None,
                origin=None,
            )
        return conversation.conversation_id

    def unclaimed(self, tx: Tx, token: str) -> str | None:
        """Id of the conversation that this token opens, where nobody has come yet.

        Raises `Unauthorized` for a token that is none of ours.
        """
        claims = self._tokens.read(token, even_expired=True)
        found = queries.find(tx, claims.conversation_id)
        return claims.conversation_id if found is not None and found.state == "minted" else None

    def break_off(self, tx: Tx, account_id: str, conversation_id: str) -> None:
        """End it, charged so far; nothing where it is over. What was said is kept."""
        conversation = queries.owned(tx, account_id, conversation_id, lock=True)
        if conversation is not None:
            self._end_deleted(tx, conversation)

    def erase(self, tx: Tx, account_id: str) -> None:
        """Remove the rows of an account that is being deleted: what goes on ends at its next beat.

        Its holds are released when its credits are closed.
        """
        queries.delete_all_of(tx, account_id)

    def _begun(
        self,
        tx: Tx,
        caller: Caller,
        body: CreateToken,
        character: Character,
        *,
        origin: str | None,
        life: timedelta,
    ) -> Conversation:
        """A conversation whose credits are set aside."""
        prices, now = self._settings.prices, self._clock.now()
        audio_rate = prices.conversation_audio_per_minute
        rate = prices.conversation_video_per_minute if body.mode == "video" else audio_rate
        longest_s = self._settings.conversation_limit_s
        wanted_s = min(body.session_limit_seconds or longest_s, longest_s)
        conversation_id = new_id()
        if caller.is_test:
            self._allow(tx, caller, wanted_s)
        hold, limit_s = self._hold(
            tx,
            caller,
            conversation_id,
            0 if caller.is_test else rate,
            wanted_s,
            character_id=character.character_id,
        )
        return Conversation(
            conversation_id=conversation_id,
            account_id=caller.account_id,
            character_id=character.character_id,
            mode=body.mode,
            is_test=caller.is_test,
            state="minted",
            hold_id=hold.id,
            held=hold.amount,
            charged=0,
            rate=rate,
            audio_rate=audio_rate,
            limit_s=limit_s,
            greeting=body.greeting,
            visitor=body.visitor_name,
            origin=origin,
            node=None,
            pc_id=None,
            lease_until=now + life,
            created_at=now,
            connected_at=None,
            ended_at=None,
            seconds=0.0,
            video_seconds=None,
            reason=None,
            deleted_at=None,
        )

    def _hold(
        self,
        tx: Tx,
        caller: Caller,
        conversation_id: str,
        rate: int,
        wanted_s: int,
        *,
        character_id: str,
    ) -> tuple[Hold, int]:
        """Set aside what the time costs, or as many whole minutes as there are credits for."""
        for _ in range(_TRIES):
            available = self._credits.balance(tx, caller.account_id).available
            limit_s = affordable(available, rate, wanted_s)
            if not limit_s:
                break
            lease = LIFE + timedelta(seconds=limit_s) + HOLD_SLACK
            try:
                hold = self._credits.hold(
                    tx,
                    caller.account_id,
                    prepaid(rate, limit_s),
                    kind="conversation",
                    reference=f"conversation:{conversation_id}",
                    description=f"Conversation {conversation_id}",
                    lease_s=lease.total_seconds(),
                    character_id=character_id,
                )
            except InsufficientCredits:
                continue
            return hold, limit_s
        raise InsufficientCredits(
            f"A conversation needs the credits of one minute at least, which are {rate:,}. "
            "Buy credits or ask the operator for a grant."
        )

    def _allow(self, tx: Tx, caller: Caller, wanted_s: int) -> None:
        """Raise `TooManyRequests` where test keys would have more than they may in a day.

        Counted in rows: what a conversation did not use of its time can be used for another.
        """
        limit = self._settings.plan(caller.plan).test_conversation_seconds_per_day
        now = self._clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if queries.seconds_of_test_keys(tx, caller.account_id, midnight) + wanted_s > limit:
            left = midnight + timedelta(days=1) - now
            raise TooManyRequests(
                f"Test keys have {limit:,} seconds of conversation a day, and this would be more: "
                "ask for a shorter one, use a live key, or try again tomorrow.",
                retry_after_s=int(left.total_seconds()) + 1,
                code="test_limit_reached",
            )

    def _end_deleted(self, tx: Tx, conversation: Conversation) -> None:
        lasted = 0.0
        if conversation.connected_at is not None:
            lasted = (self._clock.now() - conversation.connected_at).total_seconds()
            lasted -= conversation.gap_s
        if conversation.state != "ended":
            ending = Ending("deleted", lasted, conversation.video_seconds)
            self._endings.end(tx, conversation, ending)

    def _owned(
        self, tx: Tx, account_id: str, conversation_id: str, *, lock: bool = False
    ) -> Conversation:
        conversation = queries.owned(tx, account_id, conversation_id, lock=lock)
        if conversation is None:
            raise NotFound("There is no such conversation.", param="conversation_id")
        return conversation
