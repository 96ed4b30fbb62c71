"""What tests of the router share: chance that is set, and states compared with a rebuild."""

from __future__ import annotations

from tierwise import OutcomeLog, Router
from tierwise.classifier.belief._stored_state import to_bytes
from tierwise.classifier.belief.state import TypeState
from tierwise.classifier.model import TierModel
from tierwise.router.log._keeper import StateKeeper

TEXTS = (
    "Write a teaser for the post about our old bakery, 155 characters at most",
    "Tag these forty tickets by product area",
    "Draft the launch email for the new plan",
    "Plan the migration of the billing service",
)


class Draws:
    """Chance that comes out as was set: the draws in turn, the last one for ever."""

    def __init__(self, *draws: float) -> None:
        self.draws, self.n = draws, 0

    def random(self) -> float:
        self.n += 1
        return self.draws[min(self.n, len(self.draws)) - 1]


NEVER, ALWAYS = Draws(0.999999), Draws(0.0)


def kept_state(log: OutcomeLog, task_type: str, model: TierModel) -> TypeState | None:
    """The state as the log keeps it; None where it keeps none, whatever its rows would build."""
    with log.reading_states(task_type) as states:
        return StateKeeper(model).kept(states)


def kept(log: OutcomeLog, task_type: str, model: TierModel) -> bytes | None:
    """The same as bytes."""
    state = kept_state(log, task_type, model)
    return None if state is None else to_bytes(state)


def rebuilt(log: OutcomeLog, task_type: str, model: TierModel) -> bytes:
    """What the rows alone lead to."""
    with log.reading_states(task_type) as states:
        return to_bytes(StateKeeper(model).built(states, newest=10**6))


def model_of(router: Router) -> TierModel:
    """The champion, as the router uses it."""
    from tierwise.router._champion import champion

    found = router.model or champion()
    assert isinstance(found, TierModel)
    return found
