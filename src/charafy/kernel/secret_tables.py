"""Which secret the database belongs to, as its fingerprint; never the secret itself."""

from __future__ import annotations

from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from charafy.kernel.db import UtcDateTime, metadata

fingerprints = sa.Table(
    "secret_fingerprint",
    metadata,
    # There is one row: two secrets would be two Charafys.
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.CheckConstraint("one = 1", name="one"),
)

KEEP = MappingProxyType(
    {
        dialect: insert(fingerprints).on_conflict_do_nothing(index_elements=["one"])
        for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
    }
)
"""Of processes that start at the same instant, one writes and the others find it."""
