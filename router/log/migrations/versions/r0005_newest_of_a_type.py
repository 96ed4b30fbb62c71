"""The newest decisions of a type are asked for; an index of types alone had all of them read and sorted."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """One index in place of another."""
    op.create_index("ix_tierwise_decisions_type", "tierwise_decisions", ["task_type", "decided_at_us"])
    op.drop_index("ix_tierwise_decisions_task_type", "tierwise_decisions")
