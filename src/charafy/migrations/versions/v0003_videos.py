"""Videos: talking-head jobs and what they made."""

import sqlalchemy as sa
from alembic import op

from charafy.kernel.db import UtcDateTime

revision = "0003"
down_revision = "0002"

_EVERYTHING = frozenset(
    f"{what}:{may}"
    for what, may in (
        ("characters", "read"),
        ("characters", "write"),
        ("voices", "read"),
        ("speech", "write"),
        ("credits", "read"),
        ("credits", "write"),
        ("account", "read"),
        ("account", "write"),
    )
)
_SCOPES = ("videos:read", "videos:write")


def upgrade() -> None:
    op.create_table(
        "videos",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("character_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("hold_id", sa.String(length=36), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("output_key", sa.String(length=200), nullable=True),
        sa.Column("srt_key", sa.String(length=200), nullable=True),
        sa.Column("vtt_key", sa.String(length=200), nullable=True),
        sa.Column("error_code", sa.String(length=32), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.CheckConstraint(
            "status IN ('processing', 'completed', 'failed')", name=op.f("ck_videos_status_known")
        ),
        sa.CheckConstraint("charged BETWEEN 0 AND held", name=op.f("ck_videos_within_hold")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_videos_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_videos")),
    )
    op.create_index(
        op.f("ix_videos_account_id_created_at_id"),
        "videos",
        ["account_id", "created_at", "id"],
        unique=False,
    )
    under_way = sa.text("status = 'processing'")
    op.create_index(
        op.f("ix_videos_under_way"),
        "videos",
        ["turn", "created_at", "id"],
        unique=False,
        sqlite_where=under_way,
        postgresql_where=under_way,
    )
    op.create_index(op.f("ix_videos_completed_at"), "videos", ["completed_at"], unique=False)
    _let_full_keys_make_videos()


def _let_full_keys_make_videos() -> None:
    """A key that may do everything goes on doing so; one that was restricted gains nothing."""
    keys = sa.table("api_keys", sa.column("id", sa.String), sa.column("scopes", sa.JSON))
    connection = op.get_bind()
    for row in connection.execute(sa.select(keys.c.id, keys.c.scopes)).all():
        if set(row.scopes) >= _EVERYTHING:
            scopes = [*row.scopes, *_SCOPES]
            connection.execute(keys.update().where(keys.c.id == row.id).values(scopes=scopes))
