"""Conversations as rows, what was said in them, and the processes that lead them."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

_OPEN = sa.text("state <> 'ended'")

conversations = sa.Table(
    "conversations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    # No foreign key: a conversation outlives its character.
    sa.Column("character_id", sa.String(36), nullable=False),
    sa.Column("mode", sa.String(16), nullable=False),
    sa.Column("is_test", sa.Boolean, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("hold_id", sa.String(36), nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("charged", sa.BigInteger, nullable=False),
    # Credits a minute when the token was made: of its mode, and of sound alone.
    sa.Column("rate", sa.Integer, nullable=False),
    sa.Column("audio_rate", sa.Integer, nullable=False),
    sa.Column("limit_s", sa.Integer, nullable=False),
    sa.Column("greeting", sa.String(500)),
    sa.Column("visitor", sa.String(100)),
    sa.Column("origin", sa.String(200)),
    # Which process leads it, and by what name that one knows the connection.
    sa.Column("node", sa.String(63)),
    sa.Column("pc_id", sa.String(100)),
    # How many processes led it before this one, and the seconds since `connected_at` in which none
    # did. (The defaults serve processes of the version before, while they are replaced.)
    sa.Column("term", sa.Integer, nullable=False, server_default="0"),
    sa.Column("gap_s", sa.Float, nullable=False, server_default="0"),
    # Minted: when the token expires. Live: until when its node has promised to look after it.
    sa.Column("lease_until", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("connected_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("seconds", sa.Float, nullable=False),
    # Seconds with a face, as its node said last; none: it never said.
    sa.Column("video_seconds", sa.Float),
    sa.Column("reason", sa.String(16)),
    # What its owner deleted stays a day as a number, so that test keys gain nothing by deleting.
    sa.Column("deleted_at", UtcDateTime),
    sa.CheckConstraint("state IN ('minted', 'live', 'ended')", name="state_known"),
    sa.CheckConstraint("charged BETWEEN 0 AND held", name="within_hold"),
    sa.Index(None, "account_id", "created_at", "id"),
    # The few that are not over are all that is ever searched by lease, by node and by connection.
    sa.Index("ix_conversations_open", "lease_until", sqlite_where=_OPEN, postgresql_where=_OPEN),
    sa.Index("ix_conversations_node", "node", sqlite_where=_OPEN, postgresql_where=_OPEN),
    sa.Index("ix_conversations_pc_id", "pc_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    sa.Index("ix_conversations_ended_at", "ended_at"),
    sa.Index("ix_conversations_deleted_at", "deleted_at"),
)

turns = sa.Table(
    "conversation_turns",
    metadata,
    sa.Column("conversation_id", sa.ForeignKey("conversations.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("interrupted", sa.Boolean, nullable=False),
    sa.Column("started_s", sa.Float, nullable=False),
    sa.Column("latency", sa.JSON, nullable=False),
    sa.CheckConstraint("role IN ('user', 'assistant')", name="role_known"),
)

talk_nodes = sa.Table(
    "talk_nodes",
    metadata,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("url", sa.String(200), nullable=False),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("sessions", sa.Integer, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)
