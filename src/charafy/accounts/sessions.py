"""Signed-in people: a random cookie, of which only a digest is stored."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from charafy.accounts.credentials import Digests, new_token
from charafy.accounts.models import NewSession, SignedIn
from charafy.accounts.queries import account_of
from charafy.accounts.tables import accounts, sessions
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx

SESSION_DAYS = 14


class Sessions:
    """Begins, finds and ends sessions. Thread-safe."""

    def __init__(self, db: Database, clock: Clock, secret: bytes) -> None:
        self._db = db
        self._clock = clock
        self._digests = Digests(secret, "session")

    def begin(self, account_id: str) -> NewSession:
        """Let a person in who has just proved who they are."""
        now = self._clock.now()
        new = NewSession(new_token(), new_token(), now + timedelta(days=SESSION_DAYS))
        with self._db.write() as tx:
            tx.execute(
                sessions.insert().values(
                    hash=self._digests.of(new.token),
                    account_id=account_id,
                    csrf=new.csrf,
                    created_at=now,
                    expires_at=new.expires_at,
                )
            )
            mine = accounts.c.id == account_id
            tx.execute(accounts.update().where(mine).values(last_seen_at=now))
        return new

    def find(self, token: str | None) -> SignedIn | None:
        """Who holds this cookie; None when it is unknown, expired or of a suspended account."""
        if not token or len(token) > 100:
            return None
        query = (
            sa.select(accounts, sessions.c.csrf)
            .join(sessions, sessions.c.account_id == accounts.c.id)
            .where(
                sessions.c.hash == self._digests.of(token),
                sessions.c.expires_at > self._clock.now(),
                accounts.c.status == "active",
            )
        )
        with self._db.read() as tx:
            row = tx.execute(query).one_or_none()
        return SignedIn(account_of(row), row.csrf) if row else None

    def end(self, token: str) -> None:
        with self._db.write() as tx:
            tx.execute(sessions.delete().where(sessions.c.hash == self._digests.of(token)))

    def end_all(self, tx: Tx, account_id: str, *, keep: str | None = None) -> None:
        """End every session of an account, except the one whose cookie is `keep`."""
        doomed = sessions.c.account_id == account_id
        if keep is not None:
            doomed &= sessions.c.hash != self._digests.of(keep)
        tx.execute(sessions.delete().where(doomed))

    def sweep(self) -> int:
        """Forget expired sessions: a chore. Returns how many there were."""
        with self._db.write() as tx:
            expired = sessions.c.expires_at <= self._clock.now()
            return tx.execute(sessions.delete().where(expired)).rowcount
