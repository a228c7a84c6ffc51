"""The workers that there are, as rows; one for each time that one was started."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

workers = sa.Table(
    "workers",
    metadata,
    # What it begins is recorded under this: a name comes back after a restart, this never.
    sa.Column("run", sa.String(36), primary_key=True),
    sa.Column("name", sa.String(63), nullable=False),
    # The machine and data folder on which no two may have one name, hashed.
    sa.Column("place", sa.String(64), nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    # Since when it is known to be gone; what it had begun may not have been taken over yet.
    sa.Column("lost_at", UtcDateTime),
)
