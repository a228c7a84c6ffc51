"""Voices: clones, and the consent they were made with."""

import sqlalchemy as sa
from alembic import op

from charafy.kernel.db import UtcDateTime

revision = "0005"
down_revision = "0004"

_SCOPES_BEFORE = frozenset(
    {
        "characters:read",
        "characters:write",
        "voices:read",
        "speech:write",
        "videos:read",
        "videos:write",
        "credits:read",
        "credits:write",
        "account:read",
        "account:write",
        "webhooks:read",
        "webhooks:write",
    }
)


def upgrade() -> None:
    _create_voices()
    _create_consents()
    _widen_unlimited_keys()


def _create_voices() -> None:
    op.create_table(
        "voices",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("engine_voice", sa.String(length=200), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("similarity", sa.Float(), nullable=True),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("refinement", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("refiner", sa.String(length=64), nullable=True),
        sa.Column("claim", sa.String(length=36), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("reference_key", sa.String(length=200), nullable=True),
        sa.Column("retired_voice", sa.String(length=200), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "refinement IN ('none', 'waiting', 'running', 'kept', 'not_better', 'failed')",
            name=op.f("ck_voices_refinement_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_voices_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voices")),
    )
    op.create_index(
        op.f("ix_voices_account_id_created_at_id"), "voices", ["account_id", "created_at", "id"]
    )
    to_refine = sa.text("refinement IN ('waiting', 'running')")
    op.create_index(
        op.f("ix_voices_to_refine"),
        "voices",
        ["created_at", "id"],
        sqlite_where=to_refine,
        postgresql_where=to_refine,
    )
    leftovers = sa.text(
        "deleted_at IS NOT NULL OR retired_voice IS NOT NULL OR reference_key IS NOT NULL"
    )
    op.create_index(
        op.f("ix_voices_leftovers"),
        "voices",
        ["updated_at"],
        sqlite_where=leftovers,
        postgresql_where=leftovers,
    )


def _create_consents() -> None:
    op.create_table(
        "voice_consents",
        sa.Column("voice_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("audio_sha256", sa.String(length=64), nullable=False),
        sa.Column("given_by", sa.String(length=16), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=False),
        sa.Column("voice_deleted_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "given_by IN ('key', 'session', 'operator')",
            name=op.f("ck_voice_consents_given_by_known"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_voice_consents_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("voice_id", name=op.f("pk_voice_consents")),
    )
    op.create_index(op.f("ix_voice_consents_account_id"), "voice_consents", ["account_id"])
    op.create_index(
        op.f("ix_voice_consents_voice_deleted_at"), "voice_consents", ["voice_deleted_at"]
    )


def _widen_unlimited_keys() -> None:
    """Keys that may do everything there was may do what is new."""
    keys = sa.table("api_keys", sa.column("id", sa.String), sa.column("scopes", sa.JSON))
    tx = op.get_bind()
    for key_id, scopes in tx.execute(sa.select(keys.c.id, keys.c.scopes)).all():
        if _SCOPES_BEFORE.issubset(scopes) and "voices:write" not in scopes:
            wider = [*scopes, "voices:write"]
            tx.execute(keys.update().where(keys.c.id == key_id).values(scopes=wider))
