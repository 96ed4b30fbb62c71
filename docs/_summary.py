"""The few figures that README shows; `_measured.py` and `_timings.py` have them all."""

from __future__ import annotations

from ._figures import Figures, Goal, Row
from ._measured import share


def _quality(label: str, name: str, goal: str, **bound: float) -> Row:
    path = f"types_held_out[{name}]"
    return Row(label, "held_out", [share(path), Goal(goal, f"{path}[0]", **bound)])


SUMMARY = {
    "summary": Figures(
        "`python -m benchmarks.held_out` and `python -m benchmarks.budgets`, on 2 cores; the usual stack is "
        "sentence-transformers with MiniLM and a scikit-learn regression",
        ("", "measured", "goal"),
        [
            _quality("the most probable tier is the one needed", "accuracy", "92 %", at_least=0.92),
            Row(
                "that of the best constant tier; of a table that knows each type's labels; of the oracle",
                "held_out",
                [
                    "{types_held_out[best_constant_accuracy]:.1%}; "
                    "{types_held_out[per_type_table_accuracy]:.1%}; {types_held_out[oracle_accuracy]:.0%}",
                    "",
                ],
            ),
            _quality("served by too low a tier", "under_tiered", "5 %", at_most=0.05),
            _quality("of the tasks that need Haiku, served by it", "lowest_kept", "90 %", at_least=0.9),
            _quality("of the tasks that need Opus, served by it", "top_kept", "85 %", at_least=0.85),
            Row(
                "one decision, median",
                "budgets",
                [
                    "{one_decision[median_us]:.0f} µs; usual stack {one_decision[usual_median_us]:,} µs",
                    Goal("60 µs", "one_decision[median_us]", at_most=60),
                ],
            ),
            Row(
                "many decisions, each second",
                "budgets",
                [
                    "{many_decisions[tasks_per_s]:,}; "
                    "usual stack {many_decisions[usual_texts_per_s_all_cores]:,}",
                    Goal("30,000", "many_decisions[tasks_per_s]", at_least=30_000),
                ],
            ),
        ],
    ),
}
