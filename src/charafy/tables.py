"""Every table of the house in one place, for migrations."""

from charafy.accounts import tables as accounts
from charafy.avatars import tables as avatars
from charafy.characters import tables as characters
from charafy.conversations import tables as conversations
from charafy.credits import tables as credits
from charafy.embed import tables as embed
from charafy.kernel import roll_tables as roll
from charafy.kernel import secret_tables as secret
from charafy.kernel.db import metadata
from charafy.kernel.http import idempotency_tables as idempotency
from charafy.videos import tables as videos
from charafy.voices import tables as voices
from charafy.webhooks import tables as webhooks

__all__ = [
    "accounts",
    "avatars",
    "characters",
    "conversations",
    "credits",
    "embed",
    "idempotency",
    "metadata",
    "roll",
    "secret",
    "videos",
    "voices",
    "webhooks",
]
