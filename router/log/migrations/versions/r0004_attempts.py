"""What each attempt took: tokens, money, time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "tierwise_attempts",
        sa.Column(
            "decision_id",
            sa.String,
            sa.ForeignKey("tierwise_decisions.decision_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("mode", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("stop_reason", sa.String),
        sa.Column("error", sa.String),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_read_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_5m_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_1h_tokens", sa.BigInteger, nullable=False),
        sa.Column("thinking_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_usd", sa.Float, nullable=False),
        sa.Column("check_cost_usd", sa.Float, nullable=False),
        sa.Column("cost_is_exact", sa.Boolean, nullable=False),
        sa.Column("n_requests", sa.Integer, nullable=False),
        sa.Column("latency_ms", sa.Float),
        sa.Column("ended_at_us", sa.BigInteger, nullable=False),
    )
