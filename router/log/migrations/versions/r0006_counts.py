"""What was counted of the whole log, so that it need not be counted before it is shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tierwise_counts",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("counted_at_us", sa.BigInteger, nullable=False),
    )
