"""What was stored of texts is counted with the decisions of each type, and no row is read for it."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """One index in place of another."""
    op.create_index(
        "ix_tierwise_decisions_type_text",
        "tierwise_decisions",
        ["task_type", "decided_at_us", "text_stored"],
    )
    op.drop_index("ix_tierwise_decisions_type", "tierwise_decisions")
