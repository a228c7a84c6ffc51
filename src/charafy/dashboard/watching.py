"""What the pages for keeping an eye on things stand on."""

from __future__ import annotations

from dataclasses import dataclass

from charafy.characters.service import Characters
from charafy.conversations.overview import Overviews
from charafy.conversations.service import Conversations
from charafy.credits.purchases import Purchases
from charafy.credits.service import Books, Credits
from charafy.embed.service import Embeds
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.http.idempotency import Idempotency
from charafy.webhooks.service import Webhooks


@dataclass(frozen=True, slots=True)
class Watchers:
    db: Database
    clock: Clock
    characters: Characters
    conversations: Conversations
    overviews: Overviews
    credits: Credits
    books: Books
    purchases: Purchases
    webhooks: Webhooks
    idempotency: Idempotency
    embeds: Embeds
