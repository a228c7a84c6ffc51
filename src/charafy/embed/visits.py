"""Letting visitors of other people's pages in: within the limits, at the owner's expense."""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from charafy.accounts.service import Account, Accounts
from charafy.characters.service import Character, Characters
from charafy.conversations.schemas import CreateToken, TokenAnswer
from charafy.conversations.service import Conversations
from charafy.embed import queries
from charafy.embed.budget import Period, day_of, longest, month_of, reserved
from charafy.embed.models import EmbedSettings, Opened, OpenSession
from charafy.embed.service import settings_of
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx, one_at_a_time
from charafy.kernel.errors import InsufficientCredits, NotFound, TooManyRequests
from charafy.kernel.http.caller import Caller

LIFE: Final = timedelta(minutes=2)
"""How long a visitor may take to connect: meanwhile the place is kept from others."""
SHORTEST_S: Final = 60
"""Less than this is no conversation: then there is none left for today."""
PLACES_OF_ONE: Final = 3
"""How many conversations one visitor may have at once with a character: some windows, not a mill
that sets all of its owner's credits aside."""
_SOON_S: Final = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """A character that may be embedded, and by whom."""

    character: Character
    settings: EmbedSettings


class Visits:
    """Thread-safe; safe from many processes: limits are counted and used up in one unit of work."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        accounts: Accounts,
        characters: Characters,
        conversations: Conversations,
        longest_s: int,
        secret: bytes,
        places_of_account: Callable[[Account], int | None] = lambda _: None,
    ) -> None:
        """`longest_s`: how long conversations may last where no owner says less.

        `places_of_account`: how many all of its characters' visitors may have at once; None: as
        many as each character may.

        `secret`: the house's, with which visitors' addresses are made unreadable.
        """
        self._db = db
        self._clock = clock
        self._accounts = accounts
        self._characters = characters
        self._conversations = conversations
        self._longest_s = longest_s
        self._places_of_account = places_of_account
        self._key = hmac.digest(secret, b"charafy embed visitor", "sha256")

    def find(self, character_id: str) -> Shown:
        """Raises `NotFound` unless it is there, embedded, and its owner may act."""
        with self._db.read() as tx:
            shown = self._shown(tx, character_id)
        self._payer(shown.character)
        return shown

    def open(
        self,
        character_id: str,
        *,
        origin: str | None,
        address: str | None = None,
        visitor_name: str | None = None,
    ) -> Opened:
        """A conversation for a visitor.

        `origin`: of the page that embeds the character; `address`: of the visitor; `visitor_name`:
        what that page calls them.

        Raises `NotFound`; `TooManyRequests` at a limit (`embed_full`, `embed_limit_reached`,
        `embed_several`); `InsufficientCredits` (`embed_unavailable`); `UpstreamFailed` where
        LiveKit is away. Their words are for the visitor, not for the owner.
        """
        account = self._payer(self.find(character_id).character)
        payer = account.caller()
        self._conversations.require_media()
        with self._db.write() as tx:
            self._keep_places(tx, account)
            one_at_a_time(tx, f"embed:{character_id.lower()}")
            shown = self._shown(tx, character_id)
            visitor = self._visitor(address)
            wanted_s = self._allowed(tx, shown.settings, visitor)
            body = CreateToken(
                character_id=shown.character.character_id,
                # The visitor's browser draws the face: the cheaper mode.
                mode="audio-only",
                session_limit_seconds=wanted_s,
                visitor_name=" ".join((visitor_name or "").split()) or None,
            )
            answer = self._minted(tx, payer, body, origin)
            now = self._clock.now()
            session = OpenSession(
                conversation_id=answer.conversation_id,
                account_id=payer.account_id,
                character_id=shown.character.character_id,
                minted_at=now,
                connect_by=now + LIFE,
                limit_s=answer.session_limit_seconds,
                visitor=visitor,
            )
            queries.add_session(tx, session)
        return Opened(
            token=answer.token,
            conversation_id=answer.conversation_id,
            connect_url=answer.connect_url,
            livekit_url=answer.livekit_url,
            ice_servers=tuple(s.model_dump(exclude_none=True) for s in answer.ice_servers),
            session_limit_s=answer.session_limit_seconds,
            expires_in_s=answer.expires_in,
        )

    def leave(self, character_id: str, token: str) -> None:
        """Give back a place that its visitor has not taken. Raises `Unauthorized`."""
        with self._db.write() as tx:
            conversation_id = self._conversations.unclaimed(tx, token)
            session = queries.session(tx, conversation_id) if conversation_id else None
            if session is not None and session.character_id == character_id.lower():
                self._conversations.break_off(tx, session.account_id, session.conversation_id)

    def _shown(self, tx: Tx, character_id: str) -> Shown:
        character = self._characters.embedded(tx, character_id)
        return Shown(character, settings_of(tx, character))

    def _payer(self, character: Character) -> Account:
        account = self._accounts.get(character.account_id)
        if account.status != "active":
            raise NotFound("This character is not available.", code="embed_not_available")
        return account

    def _keep_places(self, tx: Tx, account: Account) -> None:
        """Raises `TooManyRequests` where visitors have all that the account's characters may."""
        places = self._places_of_account(account)
        if places is None:
            return
        one_at_a_time(tx, f"embeds of:{account.account_id}")
        if queries.count_of_account(tx, account.account_id) >= places:
            raise _full()

    def _minted(self, tx: Tx, payer: Caller, body: CreateToken, origin: str | None) -> TokenAnswer:
        try:
            return self._conversations.mint(tx, payer, body, origin=origin, life=LIFE)
        except InsufficientCredits:
            raise InsufficientCredits(
                "This character can't talk right now. Please try again later.",
                code="embed_unavailable",
            ) from None

    def _visitor(self, address: str | None) -> str | None:
        return address and hmac.digest(self._key, address.encode(), "sha256").hex()

    def _allowed(self, tx: Tx, settings: EmbedSettings, visitor: str | None) -> int:
        """Seconds that this conversation may last. Raises `TooManyRequests`."""
        # These first: one that ends meanwhile is then counted twice rather than not at all.
        going_on = queries.sessions_of(tx, settings.character_id)
        if settings.max_concurrent is not None and len(going_on) >= settings.max_concurrent:
            raise _full()
        if visitor and sum(one.visitor == visitor for one in going_on) >= PLACES_OF_ONE:
            raise _several()
        wanted = float(min(settings.session_limit_s or self._longest_s, self._longest_s))
        now = self._clock.now()
        for limit_s, period in (
            (settings.daily_limit_s, day_of(now)),
            (settings.monthly_limit_s, month_of(now)),
        ):
            if limit_s is not None:
                left = self._left(tx, settings.character_id, limit_s, period, going_on)
                wanted = min(wanted, longest(now, LIFE, period.end, left.with_reservations))
                if left.used_up(SHORTEST_S) and wanted < SHORTEST_S:
                    raise _used_up(period.end - now)
        if wanted < SHORTEST_S:
            raise _full()  # what others may still use of it comes back when they leave
        return math.floor(wanted)

    def _left(
        self,
        tx: Tx,
        character_id: str,
        limit_s: int,
        period: Period,
        going_on: Sequence[OpenSession],
    ) -> _Left:
        following = _following(period)
        used = [
            queries.used(tx, character_id, span.start.date(), span.end.date())
            for span in (period, following)
        ]
        held = [reserved(going_on, span) for span in (period, following)]
        return _Left(limit_s - used[0], (limit_s - used[0] - held[0], limit_s - used[1] - held[1]))


@dataclass(frozen=True, slots=True)
class _Left:
    """Seconds of a limit."""

    unused: float
    """Of this period, were nobody talking now."""
    with_reservations: tuple[float, float]
    """Of this period and of the next, with all that those who talk now may still take."""

    def used_up(self, least_s: float) -> bool:
        return self.unused < least_s


def _following(period: Period) -> Period:
    days = (period.end - period.start).days
    return day_of(period.end) if days == 1 else month_of(period.end)


def _full() -> TooManyRequests:
    return TooManyRequests(
        "This character is talking with others. Please try again in a minute.",
        retry_after_s=_SOON_S,
        code="embed_full",
    )


def _several() -> TooManyRequests:
    return TooManyRequests(
        "You are talking with this character in other windows already: close one of them.",
        retry_after_s=_SOON_S,
        code="embed_several",
    )


def _used_up(left: timedelta) -> TooManyRequests:
    return TooManyRequests(
        "This character has talked enough for now. Please come back another day.",
        retry_after_s=math.ceil(left.total_seconds()),
        code="embed_limit_reached",
    )
