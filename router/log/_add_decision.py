"""Decisions as rows: written in a transaction that the caller holds. Idempotent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from ...classifier.errors import DecisionConflict
from ._decision_row import DecisionRow
from ._schema import decisions, policies
from .database._many_rows import ManyRows
from .database._statement import Statement, Transaction, Values, to_json

_ADD_POLICY = Statement(
    sqlite.insert(policies).on_conflict_do_nothing(),
    postgresql.insert(policies).on_conflict_do_nothing(),
    columns=[column.name for column in policies.columns],
)
_ADD_DECISION = Statement(
    sqlite.insert(decisions).on_conflict_do_nothing().returning(decisions.c.decision_id),
    postgresql.insert(decisions).on_conflict_do_nothing().returning(decisions.c.decision_id),
    columns=[column.name for column in decisions.columns],
)
_ADD_ALL = postgresql.insert(decisions).on_conflict_do_nothing()  # SQLAlchemy puts them into one statement
_MANY_DECISIONS = ManyRows(decisions)
_in_order = itemgetter(*_MANY_DECISIONS.columns)
_RECORDED_AT = _MANY_DECISIONS.columns.index("recorded_at_us")
_JSON = ("facts", "features", "details")


def add_decision(
    transaction: Transaction, row: DecisionRow, known_policies: set[str], *, commit: bool = False
) -> bool:
    """True where it was new. Raises DecisionConflict where the id belongs to another decision.

    commit : at once; nothing can follow in this transaction then but reading.
    """
    fingerprint = row.values["policy_fingerprint"]
    if fingerprint not in known_policies:
        transaction.later(_ADD_POLICY, {"fingerprint": fingerprint, "body": to_json(row.policy)})
    last = transaction.commit if commit else transaction.ask
    if last((_ADD_DECISION, _bound(row.values)))[0]:
        return True
    check_same(transaction.connection, row.values)
    return False


def _bound(values: Values, dumps: Callable[[Any], str] = to_json) -> Values:
    return {**values, **{name: None if values[name] is None else dumps(values[name]) for name in _JSON}}


class Prepared(NamedTuple):
    """A row as the database takes it. given : in the order of its columns, for the driver of SQLite."""

    row: DecisionRow
    given: tuple[Any, ...] | None

    def recorded(self, at_us: int) -> Prepared:
        """The same, where it is written at another time than it was made for."""
        row = self.row._replace(values={**self.row.values, "recorded_at_us": at_us})
        given = self.given
        return Prepared(row, given and (*given[:_RECORDED_AT], at_us, *given[_RECORDED_AT + 1 :]))


def prepared(row: DecisionRow, dumps: Callable[[Any], str], *, is_sqlite: bool) -> Prepared:
    """dumps : writes JSON, compact and not only in ASCII."""
    return Prepared(row, _in_order(_bound(row.values, dumps)) if is_sqlite else None)


def add_decisions(transaction: Transaction, rows: Sequence[Prepared], known_policies: set[str]) -> bool:
    """The same for many, in few statements; whether all are new. Raises DecisionConflict."""
    policies_of = {each.row.values["policy_fingerprint"]: each.row.policy for each in rows}
    for fingerprint in policies_of.keys() - known_policies:
        body = to_json(policies_of[fingerprint])
        transaction.later(_ADD_POLICY, {"fingerprint": fingerprint, "body": body})
    if transaction.is_sqlite:
        added = transaction.insert(_MANY_DECISIONS, [each.given or () for each in rows])
    else:
        added = transaction.connection.execute(_ADD_ALL, [each.row.values for each in rows]).rowcount
    if added != len(rows):
        for each in rows:
            check_same(transaction.connection, each.row.values)
    return bool(added == len(rows))


def check_same(connection: Connection, values: Mapping[str, Any]) -> None:
    """Raises DecisionConflict, which quotes no text, where the log has another decision of that id."""
    names = ("task_type", "tier", "mode", "facts", "specification")
    wanted = select(*(decisions.c[name] for name in names))
    found = connection.execute(wanted.where(decisions.c.decision_id == values["decision_id"])).one()
    differing = [name for name in names if getattr(found, name) != values[name]]
    if differing == ["specification"] and None in (found.specification, values["specification"]):
        return  # a text that is not kept contradicts nothing
    if differing:
        name = differing[0]
        is_text = name == "specification"
        how = "text differs" if is_text else f"{name} is {getattr(found, name)!r}, not {values[name]!r}"
        raise DecisionConflict(
            f"The log holds another decision with the id {values['decision_id']!r}: its {how}. "
            "Give each decision an id of its own.",
            about=values["decision_id"],
        )
