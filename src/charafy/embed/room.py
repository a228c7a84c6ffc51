"""The embed feature as a whole: its parts, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from charafy.accounts.service import Accounts
from charafy.avatars.service import Avatars
from charafy.characters.service import Characters, Portraits
from charafy.conversations.service import Conversations
from charafy.embed.meter import Meter
from charafy.embed.service import Embeds
from charafy.embed.tokens import PageTokens
from charafy.embed.visits import Visits
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage

Hear = Callable[[Tx, str, str, Mapping[str, object]], None]
"""Account, type of event, data: in the unit of work in which it happens."""


@dataclass(frozen=True, slots=True)
class EmbedRoom:
    """What the API, the pages and the sweeper need of embedded characters."""

    embeds: Embeds
    visits: Visits
    page_tokens: PageTokens
    portraits: Portraits
    avatars: Avatars
    meter: Meter

    @classmethod
    def build(
        cls,
        db: Database,
        clock: Clock,
        settings: Settings,
        secret: bytes,
        *,
        accounts: Accounts,
        characters: Characters,
        avatars: Avatars,
        conversations: Conversations,
        meter: Meter,
        storage: Storage,
    ) -> EmbedRoom:
        visits = Visits(
            db,
            clock,
            accounts=accounts,
            characters=characters,
            conversations=conversations,
            longest_s=settings.conversation_limit_s,
            secret=secret,
            places_of_account=lambda account: (
                settings.demo_talk_places if account.role == "demo" else None
            ),
        )
        return cls(
            embeds=Embeds(db, clock, characters, conversations),
            visits=visits,
            page_tokens=PageTokens(secret, clock),
            portraits=Portraits(storage),
            avatars=avatars,
            meter=meter,
        )

    def sweeps(self) -> dict[str, Callable[[], object]]:
        """For every half minute, in every process."""
        return {
            "visitors of deleted characters": self.embeds.end_gone,
            "old embed usage": self.meter.forget_old,
        }


def tell_both(first: Hear, then: Hear) -> Hear:
    def tell(tx: Tx, account_id: str, event: str, data: Mapping[str, object]) -> None:
        first(tx, account_id, event, data)
        then(tx, account_id, event, data)

    return tell
