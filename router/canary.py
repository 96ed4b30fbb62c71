"""How much of the work a challenger may decide before anybody has proved it better."""

from __future__ import annotations

from dataclasses import dataclass

from ..classifier.errors import InvalidPolicy


@dataclass(frozen=True)
class Canary:
    """Where champion and challenger differ, the challenger's tier is served with probability `share`.

        Router(challenger=model, canary=Canary(share=0.1, max_decisions=500), log="outcomes.db")

    share : greater than 0, at most 0.5: the champion serves.
    max_decisions : of the challenger, all processes together, counted in the log; then the champion
        serves alone. Processes that decide at the same moment may exceed it by one each.

    Raises InvalidPolicy, naming the setting.
    """

    share: float = 0.1
    max_decisions: int = 500

    def __post_init__(self) -> None:
        number = isinstance(self.share, (int, float)) and not isinstance(self.share, bool)
        if not number or not 0.0 < self.share <= 0.5:
            raise InvalidPolicy(
                f"share must be a number > 0 and <= 0.5; got {self.share!r}. Promote a challenger that is "
                "to serve more than that.",
                about="share",
            )
        whole = isinstance(self.max_decisions, int) and not isinstance(self.max_decisions, bool)
        if not whole or self.max_decisions < 0:
            raise InvalidPolicy(
                f"max_decisions must be a whole number >= 0; got {self.max_decisions!r}.",
                about="max_decisions",
            )
