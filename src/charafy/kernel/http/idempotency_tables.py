"""Where answers wait for a client that asks again, and the statements on it."""

from __future__ import annotations

from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from charafy.kernel.db import UtcDateTime, metadata

requests = sa.Table(
    "idempotent_requests",
    metadata,
    # Digest of account, mode, method, route and key: the key itself is nobody's business.
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("account_id", sa.String(36), nullable=False, index=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    # Names one attempt: who lost the lease can't finish what another attempt took over.
    sa.Column("token", sa.String(36), nullable=False),
    # End of the lease while the work runs, end of the answer's life afterwards.
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    # NULL while the work runs.
    sa.Column("status", sa.Integer),
    sa.Column("headers", sa.JSON),
    sa.Column("body", sa.LargeBinary),
    sa.Column("storage_key", sa.String(500)),
)

CLAIM = MappingProxyType(
    {
        dialect: insert(requests)
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(requests.c.id)
        for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
    }
)
_key_is = requests.c.id == sa.bindparam("key", type_=sa.String)
_running = (
    _key_is,
    requests.c.token == sa.bindparam("attempt", type_=sa.String),
    requests.c.status.is_(None),
)
MINE = sa.update(requests).where(*_running)
ABANDON = sa.delete(requests).where(*_running)
_expired = requests.c.expires_at <= sa.bindparam("now")
SET_ASIDE = (
    sa.update(requests)
    .where(_key_is, _expired)
    .values(id=sa.bindparam("aside", type_=sa.String))
    .returning(requests.c.id)
)
FOUND = sa.select(
    requests.c.fingerprint,
    requests.c.status,
    requests.c.headers,
    requests.c.body,
    requests.c.storage_key,
).where(_key_is)
SWEEP = sa.delete(requests).where(_expired).returning(requests.c.storage_key)
STORED = sa.select(requests.c.storage_key).where(
    requests.c.account_id == sa.bindparam("account", type_=sa.String),
    requests.c.storage_key.is_not(None),
)
FORGET = (
    sa.delete(requests)
    .where(requests.c.account_id == sa.bindparam("account", type_=sa.String))
    .returning(requests.c.storage_key)
)
