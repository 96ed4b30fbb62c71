"""The tables, one definition for SQLite and PostgreSQL.

To change them: add a revision in `migrations/versions`, set SCHEMA to it, store a sample of the schema
before it in `tests/support/samples`. Only add: an older tierwise may still be writing while a newer one
upgrades.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

SCHEMA = "0007"
VERSION_TABLE = "tierwise_version"  # the usual name would meet MLflow's in a shared database

metadata = MetaData()
_json = JSON(none_as_null=True)
_rowid = BigInteger().with_variant(Integer(), "sqlite")

policies = Table(
    "tierwise_policies",
    metadata,
    Column("fingerprint", String, primary_key=True),
    Column("body", _json, nullable=False),  # policy and ladder, all that a replay needs
)

decisions = Table(
    "tierwise_decisions",
    metadata,
    Column("decision_id", String, primary_key=True),
    Column("task_type", String),
    Column("tier", String, nullable=False),
    Column("mode", String),
    Column("model", String),
    Column("reason", String),
    Column("fallback", Boolean),
    Column("confidence", Float),
    Column("propensity", Float),
    Column("model_version", String),
    Column("policy_fingerprint", String),
    Column("follows", String),  # the decision whose failed attempt this one answers
    Column("decided_at_us", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger, nullable=False),
    Column("text_stored", String, nullable=False),
    Column("specification", Text),
    Column("facts", _json, nullable=False),
    Column("features", _json),
    Column("details", _json),
)

Index(
    "ix_tierwise_decisions_type_text",
    *(decisions.c[n] for n in ("task_type", "decided_at_us", "text_stored")),
)
EXPLORED = text("reason IN ('probe', 'canary')")
Index(
    "ix_tierwise_decisions_explored",
    *(decisions.c[n] for n in ("reason", "model_version", "decided_at_us")),
    sqlite_where=EXPLORED,
    postgresql_where=EXPLORED,
)

outcomes = Table(
    "tierwise_outcomes",
    metadata,
    Column("outcome_id", _rowid, primary_key=True, autoincrement=True),
    Column(
        "decision_id", ForeignKey(decisions.c.decision_id, ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("task_type", String),  # of the decision; here so that counting reads one table
    Column("tier", String),  # of the decision; null where no model did the work
    Column("verdict", String, nullable=False),
    Column("basis", String, nullable=False),
    Column("at_us", BigInteger, nullable=False),  # when the verdict was given
    Column("recorded_at_us", BigInteger, nullable=False),  # when the log came to know it
    Column("note", Text),
    Column("is_effective", Boolean, nullable=False),  # it counts: latest of the strongest basis
    sqlite_autoincrement=True,  # an id is never given twice, also after `forget`
)
Index(
    "ix_tierwise_outcomes_type",
    *(outcomes.c[n] for n in ("task_type", "is_effective", "tier", "verdict", "at_us")),
)
Index(
    "uq_tierwise_outcomes_effective",
    outcomes.c.decision_id,
    unique=True,
    sqlite_where=text("is_effective"),
    postgresql_where=text("is_effective"),
)

type_states = Table(
    "tierwise_type_states",
    metadata,
    Column("task_type", String, primary_key=True),
    Column("model_version", String, primary_key=True),
    Column("bucket", BigInteger, primary_key=True),  # a stretch of time; the learner says which
    Column("state", LargeBinary, nullable=False),  # the learner's; the log doesn't look inside
    Column("n_outcomes", Integer, nullable=False),
    Column("updated_at_us", BigInteger, nullable=False),
)

attempts = Table(
    "tierwise_attempts",
    metadata,
    Column("decision_id", ForeignKey(decisions.c.decision_id, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # among the attempts of the task, from 1
    Column("mode", String, nullable=False),  # how it was made; a decision for batch may be run in sync mode
    Column("model", String, nullable=False),
    Column("status", String, nullable=False),
    Column("stop_reason", String),
    Column("error", String),
    *(
        Column(name, BigInteger, nullable=False)
        for name in (
            *("input_tokens", "output_tokens", "cache_read_tokens"),
            *("cache_write_5m_tokens", "cache_write_1h_tokens", "thinking_tokens"),
        )
    ),
    Column("cost_usd", Float, nullable=False),
    Column("check_cost_usd", Float, nullable=False),
    Column("cost_is_exact", Boolean, nullable=False),
    Column("n_requests", Integer, nullable=False),
    Column("latency_ms", Float),
    Column("ended_at_us", BigInteger, nullable=False),
)

counts = Table(
    "tierwise_counts",
    metadata,
    Column("name", String, primary_key=True),
    Column("body", Text, nullable=False),  # JSON of whoever counted; the log doesn't look inside
    Column("counted_at_us", BigInteger, nullable=False),
)
