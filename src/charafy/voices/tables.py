"""Cloned voices as rows, and the consent they were made with.

What a voice is made of lies in storage under `voices/<id>/`.
"""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

_TO_REFINE = sa.text("refinement IN ('waiting', 'running')")
_LEFTOVERS = sa.text(
    "deleted_at IS NOT NULL OR retired_voice IS NOT NULL OR reference_key IS NOT NULL"
)

voices = sa.Table(
    "voices",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("language", sa.String(8), nullable=False),
    # The storage key of its clone file, by which engines know it.
    sa.Column("engine_voice", sa.String(200), nullable=False),
    sa.Column("method", sa.String(16), nullable=False),
    sa.Column("similarity", sa.Float),
    # What was measured of the recording.
    sa.Column("quality", sa.JSON, nullable=False),
    sa.Column("refinement", sa.String(16), nullable=False),
    # Times that somebody took the refinement up and did not say that they put it down.
    sa.Column("attempts", sa.Integer, nullable=False),
    # Who refines it (a worker's name) in which attempt, and until when that holds; of one that
    # waits, when it may be taken up.
    sa.Column("refiner", sa.String(64)),
    sa.Column("claim", sa.String(36)),
    sa.Column("lease_until", UtcDateTime),
    # The recording, as long as its file may be there.
    sa.Column("reference_key", sa.String(200)),
    # The clone file that a better one replaced, while someone may still be speaking with it.
    sa.Column("retired_voice", sa.String(200)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    # Gone for its account; its files, here and elsewhere, may not be yet.
    sa.Column("deleted_at", UtcDateTime),
    sa.CheckConstraint(
        "refinement IN ('none', 'waiting', 'running', 'kept', 'not_better', 'failed')",
        name="refinement_known",
    ),
    sa.Index(None, "account_id", "created_at", "id"),
    # The few that have something left to do are all that is ever searched for across accounts.
    sa.Index(
        "ix_voices_to_refine",
        "created_at",
        "id",
        sqlite_where=_TO_REFINE,
        postgresql_where=_TO_REFINE,
    ),
    sa.Index(
        "ix_voices_leftovers",
        "updated_at",
        sqlite_where=_LEFTOVERS,
        postgresql_where=_LEFTOVERS,
    ),
)

consents = sa.Table(
    "voice_consents",
    metadata,
    # No foreign key: it outlives the voice by some days.
    sa.Column("voice_id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("statement", sa.Text, nullable=False),
    sa.Column("audio_sha256", sa.String(64), nullable=False),
    # "key": an API key, whose id is beside it; "session": a person at the dashboard; "operator":
    # the command line of the server.
    sa.Column("given_by", sa.String(16), nullable=False),
    sa.Column("key_id", sa.String(36)),
    sa.Column("given_at", UtcDateTime, nullable=False),
    sa.Column("voice_deleted_at", UtcDateTime, index=True),
    sa.CheckConstraint("given_by IN ('key', 'session', 'operator')", name="given_by_known"),
    sa.Index("ix_voice_consents_account_id", "account_id"),
)
"""What was said before a voice was cloned, by whom, of which recording."""
