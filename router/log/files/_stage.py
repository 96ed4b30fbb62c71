"""Rows on their way into the log: a temporary table, so that a long file holds up no other writer."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, MetaData, String, Table, Text

_json = JSON(none_as_null=True)

stage = Table(
    "tierwise_stage",
    MetaData(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("decision_id", String, nullable=False, index=True),
    Column("task_type", String),
    Column("tier", String),
    Column("mode", String),
    Column("model", String),
    Column("reason", String),
    Column("fallback", Boolean),
    Column("confidence", Float),
    Column("propensity", Float),
    Column("model_version", String),
    Column("policy_fingerprint", String),
    Column("follows", String),
    Column("decided_at_us", BigInteger),
    Column("recorded_at_us", BigInteger),
    Column("text_stored", String),
    Column("specification", Text),
    Column("facts", _json),
    Column("features", _json),
    Column("details", _json),
    Column("verdict", String),
    Column("basis", String),
    Column("at_us", BigInteger),
    Column("known_at_us", BigInteger),
    Column("note", Text),
    Column("tried", _json),
    prefixes=["TEMPORARY"],
)
