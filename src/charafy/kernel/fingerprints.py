"""Whether a secret is the one that a database belongs to: each database holds its fingerprint.

Without it a machine that made a secret of its own would start beside the others, and refuse their
keys, sessions and links as they refuse its own.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.secret_settings import SecretRefused
from charafy.kernel.secret_tables import KEEP, fingerprints

_LABEL: Final = b"charafy fingerprint of the secret in its database"
"""No key derives from the secret under this name, so what the database holds opens nothing."""


def fingerprint_of(secret: bytes) -> str:
    """64 hexadecimal digits, from which the secret can't be had: it is too long to be guessed."""
    return hmac.digest(secret, _LABEL, "sha256").hex()


def known_fingerprint(tx: Tx) -> str | None:
    """Of the secret that the database belongs to; None before the first start, or in an earlier
    schema.
    """
    if not sa.inspect(tx).has_table(fingerprints.name):
        return None
    found: str | None = tx.execute(sa.select(fingerprints.c.fingerprint)).scalar()
    return found


def require_same(db: Database, secret: bytes, refused: Callable[[], SecretRefused]) -> bool:
    """Whether it is known that the database belongs to `secret`; False: to none yet.

    Writes nothing. Raises `refused()` where it belongs to another.
    """
    with db.read() as tx:
        known = known_fingerprint(tx)
    if known is None:
        return False
    if not hmac.compare_digest(known, fingerprint_of(secret)):
        raise refused()
    return True


def keep_same(
    db: Database, secret: bytes, clock: Clock, refused: Callable[[], SecretRefused]
) -> None:
    """As `require_same`; a database of this version's schema that belongs to none is this one's
    from now on.
    """
    if require_same(db, secret, refused):
        return
    with db.write() as tx:
        tx.execute(KEEP[tx.dialect.name], _row(secret, clock))
    # Another process may have been there first.
    require_same(db, secret, refused)


def take_over(tx: Tx, secret: bytes, clock: Clock) -> None:
    """The database belongs to `secret` from now on, whatever it belonged to."""
    tx.execute(sa.delete(fingerprints))
    tx.execute(KEEP[tx.dialect.name], _row(secret, clock))


def _row(secret: bytes, clock: Clock) -> dict[str, object]:
    return {"one": 1, "fingerprint": fingerprint_of(secret), "since": clock.now()}
