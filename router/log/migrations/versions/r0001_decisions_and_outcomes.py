"""Decisions, the policies they were made under, and outcomes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "tierwise_policies",
        sa.Column("fingerprint", sa.String, primary_key=True),
        sa.Column("body", sa.JSON, nullable=False),
    )
    op.create_table(
        "tierwise_decisions",
        sa.Column("decision_id", sa.String, primary_key=True),
        sa.Column("task_type", sa.String),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("mode", sa.String),
        sa.Column("model", sa.String),
        sa.Column("reason", sa.String),
        sa.Column("fallback", sa.Boolean),
        sa.Column("confidence", sa.Float),
        sa.Column("propensity", sa.Float),
        sa.Column("model_version", sa.String),
        sa.Column("policy_fingerprint", sa.String),
        sa.Column("follows", sa.String),
        sa.Column("decided_at_us", sa.BigInteger, nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger, nullable=False),
        sa.Column("text_stored", sa.String, nullable=False),
        sa.Column("specification", sa.Text),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("features", sa.JSON),
        sa.Column("details", sa.JSON),
    )
    op.create_index("ix_tierwise_decisions_task_type", "tierwise_decisions", ["task_type"])
    op.create_table(
        "tierwise_outcomes",
        sa.Column(
            "outcome_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column(
            "decision_id",
            sa.String,
            sa.ForeignKey("tierwise_decisions.decision_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("task_type", sa.String),
        sa.Column("tier", sa.String),
        sa.Column("verdict", sa.String, nullable=False),
        sa.Column("basis", sa.String, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("recorded_at_us", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("is_effective", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tierwise_outcomes_decision_id", "tierwise_outcomes", ["decision_id"])
    op.create_index(
        "ix_tierwise_outcomes_type",
        "tierwise_outcomes",
        ["task_type", "is_effective", "tier", "verdict", "at_us"],
    )
    op.create_index(
        "uq_tierwise_outcomes_effective",
        "tierwise_outcomes",
        ["decision_id"],
        unique=True,
        sqlite_where=sa.text("is_effective"),
        postgresql_where=sa.text("is_effective"),
    )
