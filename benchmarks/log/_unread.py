"""What it changes that `log stats` reads the texts of few outcomes and only counts the others."""

from __future__ import annotations

from typing import Any

from tierwise import OutcomeLog, TierModel
from tierwise.data import CHAMPION
from tierwise.router.log.figures import _recurring
from tierwise.router.movements import Movement, movements

SOME_TYPES = 20  # to read all texts of all takes minutes


def unread(url: str) -> dict[str, Any]:
    """Against reading all outcomes' texts, of some types; each with as many as `log stats` reads of them all.

    other_answers : types that would go elsewhere. largest, mean : difference of the probability of the same
        answer. left_out : the same where the others would not even be counted.
    """
    model = TierModel.load(CHAMPION)
    with OutcomeLog(url) as log, log._database.read() as connection:
        shown = _recurring.kinds(_recurring.tally(connection))[: _recurring.MOST_TYPES]
        most, some = _recurring._most_outcomes(shown), shown[:SOME_TYPES]
        few, all_ = (
            list(_recurring._recurring(connection, some, model, n))
            for n in (most, max(k.n_decisions for k in some))
        )
    exact = movements(all_, model=model).types
    alone = [each._replace(unread={}) for each in few]
    return {
        "types": len(some),
        "texts_of_a_type_and_tier": most,
        **_off(movements(few, model=model).types, exact),
        "left_out": _off(movements(alone, model=model).types, exact),
    }


def _off(found: tuple[Movement, ...], exact: tuple[Movement, ...]) -> dict[str, Any]:
    answers = {(each.task_type, each.direction, each.to): each.probability for each in exact}
    same = {(each.task_type, each.direction, each.to): each.probability for each in found}
    off = [abs(p - answers[key]) for key, p in same.items() if key in answers]
    return {
        "other_answers": len(exact) - len(off),
        "largest": round(max(off), 3),
        "mean": round(sum(off) / len(off), 3),
    }
