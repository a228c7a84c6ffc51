"""One-time links: each proves one thing, once, for a short time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

import sqlalchemy as sa

from charafy.accounts.credentials import Digests, new_token
from charafy.accounts.tables import one_time_tokens
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import BadRequest

Purpose = Literal["sign_in", "verify", "reset", "invitation"]

LIFETIMES: Mapping[Purpose, timedelta] = MappingProxyType(
    {
        "sign_in": timedelta(minutes=15),
        "verify": timedelta(days=1),
        "reset": timedelta(hours=1),
        "invitation": timedelta(days=7),
    }
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a valid token stands for."""

    account_id: str | None
    email: str | None


class Links:
    """Issues and redeems the tokens inside one-time links."""

    def __init__(self, db: Database, clock: Clock, secret: bytes) -> None:
        self._db = db
        self._clock = clock
        self._digests = Digests(secret, "one-time link")

    def issue(
        self, tx: Tx, purpose: Purpose, account_id: str | None, email: str | None = None
    ) -> str:
        """A token for a link; a newer one to verify or reset replaces the older."""
        now = self._clock.now()
        if account_id is not None and purpose in ("verify", "reset"):
            self.revoke(tx, account_id, purpose)
        token = new_token()
        tx.execute(
            one_time_tokens.insert().values(
                hash=self._digests.of(token),
                account_id=account_id,
                purpose=purpose,
                email=email,
                created_at=now,
                expires_at=now + LIFETIMES[purpose],
            )
        )
        return token

    def valid(self, token: str, purpose: Purpose) -> Link | None:
        """What a token stands for, without using it up."""
        query = sa.select(one_time_tokens).where(self._usable(token, purpose))
        with self._db.read() as tx:
            row = tx.execute(query).one_or_none()
        return Link(row.account_id, row.email) if row else None

    def redeem(self, tx: Tx, token: str, purpose: Purpose) -> Link:
        """Use a token up: of many at the same time, one succeeds. Raises `BadRequest`."""
        row = tx.execute(
            one_time_tokens.update()
            .where(self._usable(token, purpose))
            .values(used_at=self._clock.now())
            .returning(one_time_tokens.c.account_id, one_time_tokens.c.email)
        ).one_or_none()
        if row is None:
            raise BadRequest(
                "This link was used already or has expired: ask for a new one.",
                code="link_invalid",
            )
        return Link(row.account_id, row.email)

    def revoke(self, tx: Tx, account_id: str, purpose: Purpose | None = None) -> None:
        """Make unusable what was issued for an account, of one purpose or of all."""
        doomed = one_time_tokens.c.account_id == account_id
        if purpose is not None:
            doomed &= one_time_tokens.c.purpose == purpose
        tx.execute(one_time_tokens.delete().where(doomed))

    def sweep(self) -> int:
        """Forget expired tokens: a chore. Returns how many there were."""
        with self._db.write() as tx:
            expired = one_time_tokens.c.expires_at <= self._clock.now()
            return tx.execute(one_time_tokens.delete().where(expired)).rowcount

    def _usable(self, token: str, purpose: Purpose) -> sa.ColumnElement[bool]:
        return sa.and_(
            one_time_tokens.c.hash == self._digests.of(token[:100]),
            one_time_tokens.c.purpose == purpose,
            one_time_tokens.c.used_at.is_(None),
            one_time_tokens.c.expires_at > self._clock.now(),
        )
