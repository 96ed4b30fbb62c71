"""Which measured figures are shown, row by row: of quality, of learning, of the seed tasks."""

from __future__ import annotations

from ._figures import Figures, Goal, Row


def share(path: str) -> str:
    """Value and interval, in per cent."""
    return f"{{{path}[0]:.1%}} [{{{path}[1]:.1%}}, {{{path}[2]:.1%}}]"


def _held_out(label: str, split: str) -> Row:
    shares = ("accuracy", "two_tier_errors", "under_tiered", "over_tiered", "lowest_kept", "top_kept")
    others = ("best_constant_accuracy", "per_type_table_accuracy")
    cells = [f"{{{split}[tasks]:,}}", *(share(f"{split}[{each}]") for each in shares)]
    goals = (
        Goal("92 %", f"{split}[accuracy][0]", at_least=0.92),
        Goal("0.5 %", f"{split}[two_tier_errors][0]", at_most=0.005),
        Goal("90 %", f"{split}[lowest_kept][0]", at_least=0.9),
    )
    return Row(label, "held_out", [*cells, *(f"{{{split}[{each}]:.1%}}" for each in others), *goals])


def _regret(label: str, result: str, policy: str) -> Row:
    path = f"new_types[mix][{policy}][regret]"
    cells = [f"{{{path}[{n}][0]:.1f}} [{{{path}[{n}][1]:.1f}}, {{{path}[{n}][2]:.1f}}]" for n in range(5)]
    return Row(label, result, cells)


def _of_loop(label: str, policy: str) -> Row:
    path = f"summary[per_task][{policy}]"
    usd, under = f"{path}[cost_usd]", f"{path}[under_tiered]"
    cells = (
        f"{{{usd}[0]:.2f}} [{{{usd}[1]:.2f}}, {{{usd}[2]:.2f}}]",
        f"{{{under}[0]:.1f}} [{{{under}[1]:.1f}}, {{{under}[2]:.1f}}]",
    )
    return Row(label, "loop", cells)


def _count(label: str, path: str, result: str = "loop") -> Row:
    return Row(label, result, [f"{{{path}:,}}"])


def _width(label: str, path: str, *, fidelity: bool = True, size: bool = True) -> Row:
    return Row(
        label,
        "dims",
        [
            f"{{{path}[accuracy]:.1%}}",
            f"{{{path}[fidelity_spearman]:.2f}}" if fidelity else "",
            f"{{{path}[table_mb]}} MB" if size else "",
        ],
    )


def _in_context(label: str, reader: str) -> Row:
    cells = (
        f"{{{reader}[accuracy]:.1%}}",
        f"{{{reader}[two_tier_errors]:.1%}}",
        f"{{{reader}[one_text_us]:,}} µs",
    )
    return Row(label, "contextual", cells)


def _public(label: str, router: str) -> Row:
    path = f"split_by_task[{router}]"
    shown = ("apgr", "apgr_types_known", "log_loss", "cost_of_opus_quality")
    cells = [f"{{{path}[{each}][0]:.3f}}" for each in shown]
    return Row(label, "public_outcomes", [*cells, f"{{types_held_out[{router}][apgr][0]:.3f}}"])


def _known(label: str, name: str) -> Row:
    apgr, *rest = (f"{{{name}[{each}]:.3f}}" for each in ("apgr", "log_loss", "cost_of_opus_quality"))
    return Row(label, "public_outcomes", [apgr, "", *rest, ""])


_LEARNER = "benchmarks.simulator.learner:served"
_POSTERIOR = "exact posterior with the first world's true parameters"

MEASURED = {
    "held-out": Figures(
        "`python -m benchmarks.held_out`",
        (
            "",
            "tasks",
            "most probable tier is right",
            "two tiers off",
            "served too low",
            "served too high",
            "Haiku's on Haiku",
            "Opus's on Opus",
            "best constant",
            "table of types",
            "goal: right",
            "goal: two tiers off",
            "goal: Haiku's on Haiku",
        ),
        [
            _held_out("whole task types held out", "types_held_out"),
            _held_out("whole authors held out", "authors_held_out"),
            _held_out("the 23 earliest of these authors", "earlier_authors_held_out"),
            _held_out("the eight asked that nothing on the surface tell", "plain_authors_held_out"),
            _held_out("the nine after them", "wider_authors_held_out"),
            _held_out(
                "the eleven latest, who gave each type of task all three tiers", "latest_authors_held_out"
            ),
            _held_out("near-boundary triples, types held out", "near_boundary_triples"),
            _held_out("tasks by six authors who never saw our guide", "foreign_tasks"),
            _held_out("the first two of these", "foreign_first_authors"),
            _held_out("the four asked for work as it comes", "foreign_latest_authors"),
            _held_out("asks that sound like another tier's", "misleading_tasks"),
            _held_out("one sentence, and some fifty words of any tier's material", "same_material_tasks"),
        ],
    ),
    "regret": Figures(
        "`python -m benchmarks.simulator --seeds 2 --types 300 --weeks 13 "
        "--learner benchmarks.simulator.learner:served`, and the same with `--world broken`",
        ("regret after so many outcomes of a type, %", "0", "10", "20", "30", "100"),
        [
            _regret(f"{world}: {name}", result, policy)
            for world, result in (
                ("first world", "simulator"),
                ("second world, unlike the model", "simulator_broken"),
            )
            for name, policy in (
                ("**this learner**", _LEARNER),
                (_POSTERIOR, "posterior"),
                ("shrunk table of task types", "table"),
                ("always Sonnet", "always sonnet"),
            )
        ],
    ),
    "public": Figures(
        "`python -m benchmarks.public_outcomes --data FOLDER`",
        (
            "",
            "APGR (0.5: a coin)",
            "APGR, the types' rates known",
            "log loss of passing",
            "price of Opus's quality, Opus for everything = 1",
            "APGR, types held out",
        ),
        [
            _public("one rate a tier", "constant"),
            _public("table of types", "table"),
            _public("regression on type and embedding", "regression"),
            _public("**this learner**", "learner"),
            _known("true rates of the types", "types_known"),
            _known("every outcome known", "oracle"),
            Row("tasks; draws", "public_outcomes", ["{tasks:,}; {draws}", "", "", "", ""]),
        ],
    ),
    "loop": Figures(
        "`python -m benchmarks.loop`",
        ("half a year, simulated", ""),
        [
            _count("worlds (seeds)", "summary[seeds]"),
            _count("weeks in each", "summary[weeks]"),
            _count("tasks a week, mean", "summary[tasks_a_week]"),
            _count("challengers promoted", "summary[promotions]"),
            _count("… that raised true cost", "summary[promotions_that_raised][cost_usd]"),
            _count("… that raised under-tiering", "summary[promotions_that_raised][under_tiered]"),
            Row(
                "… change of true cost, USD a task, mean",
                "loop",
                ["{summary[promotions_changed_by][cost_usd]:+.2f}"],
            ),
            _count("challengers refused", "summary[refusals]"),
            _count(
                "… that would have raised true cost or under-tiering",
                "summary[refusals_that_would_have_harmed]",
            ),
            _count("… that would have helped", "summary[refusals_that_would_have_helped]"),
            Row(
                "… by how much those would have, USD a task, mean",
                "loop",
                ["{summary[would_have_changed_by][cost_usd]:+.2f}"],
            ),
            _count("canaries that came to an end", "summary[canaries]"),
            _count("… promoted", "summary[canaries_promoted]"),
            _count("… refused", "summary[canaries_refused]"),
            _count("… unproved", "summary[canaries_ended_unproved]"),
            _count("… not promoted that would have helped", "summary[canaries_ended_that_would_have_helped]"),
        ],
    ),
    "loop-money": Figures(
        "`python -m benchmarks.loop`",
        ("", "true expected cost of a task, USD", "under-tiered, %"),
        [
            _of_loop("served", "served"),
            _of_loop("always Sonnet", "always sonnet"),
            _of_loop("table of types", "table of types"),
            _of_loop("oracle", "oracle"),
        ],
    ),
    "context": Figures(
        "`python -m benchmarks.contextual`",
        ("whole task types held out, one fifth", "right", "two tiers off", "one text"),
        [
            _in_context("the reader that serves, fitted to the rest", "served_reader"),
            _in_context("MiniLM, all its layers fitted to the rest", "transformer"),
        ],
    ),
    "width": Figures(
        "`python -m benchmarks.dims`",
        ("encoder beside the lexicon", "accuracy", "fidelity", "table"),
        [
            _width("none", "lexicon_alone", fidelity=False, size=False),
            _width("static, 64 dimensions", "static_64"),
            _width("static, 128 dimensions", "static_128"),
            _width("static, 256 dimensions (shipped)", "static_256"),
            _width("the teacher itself, MiniLM", "teacher", fidelity=False, size=False),
        ],
    ),
    "seeds": Figures(
        "`python -m benchmarks.seeds`",
        ("seed tasks", ""),
        [
            _count("rows", "tasks", "seeds"),
            _count("task types", "task_types", "seeds"),
            _count("need Haiku", "by_tier[haiku]", "seeds"),
            _count("need Sonnet", "by_tier[sonnet]", "seeds"),
            _count("need Opus", "by_tier[opus]", "seeds"),
            _count("authors (`domain`)", "authors", "seeds"),
            _count("rows of `r4-`", "tasks_of_late_authors", "seeds"),
            _count("rows of `r5-`", "tasks_of_plain_authors", "seeds"),
            _count("rows of `r6-`", "tasks_of_wider_authors", "seeds"),
            _count("rows of `r7-` and `r8-`", "tasks_of_latest_authors", "seeds"),
            _count("near-boundary triples (`triple`)", "triples", "seeds"),
            _count("… that still have a task of each tier", "triples_with_every_tier", "seeds"),
            _count("pairs (`pair`)", "pairs", "seeds"),
            _count("rows labelled twice", "labelled_twice", "seeds"),
            _count("labels that disagreed, and were settled", "labels_that_disagreed", "seeds"),
            Row("agreement of the two labels", "seeds", ["{agreement:.1%}"]),
        ],
    ),
}
