"""Probes and canaries are counted at each decision that could be one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the index, of few rows."""
    explored = sa.text("reason IN ('probe', 'canary')")
    op.create_index(
        "ix_tierwise_decisions_explored",
        "tierwise_decisions",
        ["reason", "model_version", "decided_at_us"],
        sqlite_where=explored,
        postgresql_where=explored,
    )
