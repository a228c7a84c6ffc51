"""Videos: talking-head jobs and what they made."""

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    pass
