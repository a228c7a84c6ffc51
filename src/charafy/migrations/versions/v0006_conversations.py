"""Conversations: live ones, what was said in them, and the processes that lead them."""

import sqlalchemy as sa
from alembic import op

from charafy.kernel.db import UtcDateTime

revision = "0006"
down_revision = "0005"

_SCOPES = ("conversations:read", "conversations:write")
_SCOPES_BEFORE = frozenset(
    {
        "characters:read",
        "characters:write",
        "voices:read",
        "voices:write",
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
    _create_conversations()
    _index_conversations()
    _create_turns()
    _create_nodes()
    _widen_unlimited_keys()


def _create_conversations() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("character_id", sa.String(length=36), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("hold_id", sa.String(length=36), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=False),
        sa.Column("audio_rate", sa.Integer(), nullable=False),
        sa.Column("limit_s", sa.Integer(), nullable=False),
        sa.Column("greeting", sa.String(length=500), nullable=True),
        sa.Column("visitor", sa.String(length=100), nullable=True),
        sa.Column("origin", sa.String(length=200), nullable=True),
        sa.Column("node", sa.String(length=63), nullable=True),
        sa.Column("pc_id", sa.String(length=100), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("connected_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("video_seconds", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('minted', 'live', 'ended')", name=op.f("ck_conversations_state_known")
        ),
        sa.CheckConstraint("charged BETWEEN 0 AND held", name=op.f("ck_conversations_within_hold")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_conversations_account_id_accounts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
    )


def _index_conversations() -> None:
    op.create_index(
        op.f("ix_conversations_account_id_created_at_id"),
        "conversations",
        ["account_id", "created_at", "id"],
    )
    is_open = sa.text("state <> 'ended'")
    for name, column in (("open", "lease_until"), ("node", "node"), ("pc_id", "pc_id")):
        op.create_index(
            f"ix_conversations_{name}",
            "conversations",
            [column],
            sqlite_where=is_open,
            postgresql_where=is_open,
        )
    op.create_index("ix_conversations_ended_at", "conversations", ["ended_at"])
    op.create_index("ix_conversations_deleted_at", "conversations", ["deleted_at"])


def _create_turns() -> None:
    op.create_table(
        "conversation_turns",
        sa.Column("conversation_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("started_s", sa.Float(), nullable=False),
        sa.Column("latency", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "role IN ('user', 'assistant')", name=op.f("ck_conversation_turns_role_known")
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name=op.f("fk_conversation_turns_conversation_id_conversations"),
        ),
        sa.PrimaryKeyConstraint("conversation_id", "number", name=op.f("pk_conversation_turns")),
    )


def _create_nodes() -> None:
    op.create_table(
        "talk_nodes",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("url", sa.String(length=200), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_talk_nodes")),
    )


def _widen_unlimited_keys() -> None:
    """Keys that may do everything there was may do what is new."""
    keys = sa.table("api_keys", sa.column("id", sa.String), sa.column("scopes", sa.JSON))
    tx = op.get_bind()
    for key_id, scopes in tx.execute(sa.select(keys.c.id, keys.c.scopes)).all():
        if _SCOPES_BEFORE.issubset(scopes):
            wider = [*scopes, *(scope for scope in _SCOPES if scope not in scopes)]
            tx.execute(keys.update().where(keys.c.id == key_id).values(scopes=wider))
