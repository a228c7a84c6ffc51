"""Characters that think with a model of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("characters", sa.Column("llm_base_url", sa.String(length=2048), nullable=True))
    op.add_column("characters", sa.Column("llm_model", sa.String(length=200), nullable=True))
    op.add_column("characters", sa.Column("llm_sealed_key", sa.Text(), nullable=True))
