"""A decision in plain language: rules, probabilities, evidence, arithmetic, what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..classifier.task import Task
from ._percent import percent, threshold
from ._what_if import alternatives
from .decision import Decision
from .reasons import MEANING, WARNINGS
from .rules._beliefs import Beliefs
from .rules._sonnet_unless import asked_down

if TYPE_CHECKING:
    from ..classifier.belief.posterior import Posterior
    from ..classifier.model import TierModel

MAX_WORDS_SHOWN = 6


def explain(decision: Decision) -> str:
    """Several short paragraphs, for a person."""
    parts = [
        _headline(decision),
        _rules(decision),
        *_probabilities(decision),
        *_evidence(decision),
        *_arithmetic(decision),
        *_what_would_change_it(decision),
        _footer(decision),
    ]
    return "\n\n".join(part for part in parts if part)


def _headline(decision: Decision) -> str:
    if decision.mode == "none":
        return "No model: a plain program does this step."
    lines = [f"{decision.tier} ({decision.model}), {decision.mode}."]
    if len(decision.plan) > 1:
        lines.append(f"If the check fails, next: {', then '.join(decision.plan[1:])}.")
    if decision.batch_wait_ceiling_s is not None:
        hours = decision.batch_wait_ceiling_s / 3600
        lines.append(f"If the batch is not back after {hours:g} h, send it synchronously.")
    if decision.return_to is not None:
        lines.append(f"Return to {decision.return_to} for the continuation, once this step is done.")
    return " ".join(lines)


def _rules(decision: Decision) -> str:
    lines = ["Why, the decisive rule first:"]
    for code in decision.reasons:
        mark = "!" if code in WARNINGS else "-"
        lines.append(f"  {mark} {code}: {MEANING[code]}")
    trouble = decision.evidence.trouble
    if trouble:
        lines.append(f"    The model: {trouble}")
    return "\n".join(lines)


def _probabilities(decision: Decision) -> Iterator[str]:
    beliefs = decision.evidence.beliefs
    if beliefs is None or not decision.probabilities:
        return
    lines = [
        "How likely each tier is the one needed (the lowest that does it well), and how likely it passes:",
        "tier       needed  passes",
    ]
    for tier, needed in decision.probabilities.items():
        lines.append(
            f"{tier:<10} {percent(needed, 1):>6}  {percent(decision.pass_probabilities[tier], 1):>6}"
        )
    if decision.evidence.choice.priced is None:  # else prices decided
        lines.append(_rule_in_words(decision, beliefs))
    yield "\n".join(lines)


def _rule_in_words(decision: Decision, beliefs: Beliefs) -> str:
    ladder, policy = decision.evidence.ladder, decision.evidence.policy
    middle = ladder.production
    name = ladder.names[middle]
    above, below = sum(beliefs.needed[middle + 1 :]), sum(beliefs.needed[:middle])
    asked = asked_down(decision.task, beliefs, policy)
    bulk = f", over more than {policy.many_items_over:g} items" if asked < beliefs.lambda_down else ""
    return (
        f"{name}, unless a higher tier is needed with at least {threshold(beliefs.lambda_up)} "
        f"(here {percent(above, 1)}), or a lower one with at least {threshold(asked)} "
        f"(here {percent(below, 1)}){bulk}."
    )


def _evidence(decision: Decision) -> Iterator[str]:
    """What the model had to go by; of a decision that travelled, without a model, what failed before."""
    posterior, model = decision.evidence.posterior, decision.evidence.model
    lines = [] if posterior is None or model is None else _by_the_model(posterior, model, decision.task)
    if decision.task.attempts:
        lines.append(f"Already failed at this task: {', '.join(decision.task.attempts)}.")
    if lines:
        yield "\n".join(lines)


def _by_the_model(posterior: Posterior, model: TierModel, task: Task) -> list[str]:
    lines = []
    if posterior.guard is None:
        for tier, words in model.word_evidence(task, most=MAX_WORDS_SHOWN).items():
            if words:
                shown = ", ".join(f"{word} ({weight:+.2f})" for word, weight in words)
                lines.append(f"  for {tier}: {shown}")
        lines.insert(0, "What the text says (log-odds; words, openings, and the sense of the whole):")
    if posterior.history is not None:
        by_text = ", ".join(f"{t} {percent(p)}" for t, p in zip(model.tiers, posterior.text, strict=True))
        lines.append(f"The text alone: {by_text}. Then the outcomes of this task type:")
        for index, (clean, unclean) in sorted(posterior.history.items()):
            lines.append(f"  {model.tiers[index]}: {clean:g} clean, {unclean:g} not clean")
    return lines


def _arithmetic(decision: Decision) -> Iterator[str]:
    if not decision.expected_cost_usd:
        return
    tokens, beliefs = decision.evidence.choice.tokens, decision.evidence.beliefs
    unit = decision.evidence.ladder.unit
    how = "estimated" if tokens.estimated else "given"
    cached = f" ({tokens.cached:,.0f} cached)" if tokens.cached else ""
    sent = f"{tokens.input:,.0f}{cached} {unit}s in and {tokens.output:,.0f} out"
    if unit != "token" and decision.task.input_tokens is None:  # a text is no image
        sent = f"{tokens.output:,.0f} {unit}s"
    lines = [f"Cost of {sent} ({how}):"]
    correction = decision.evidence.policy.correction_cost_usd(decision.task.task_type)
    for index, (tier, cost) in enumerate(decision.expected_cost_usd.items()):
        line = f"  {tier:<10} ${cost:.6f}"
        if correction is not None and beliefs is not None:
            risk = (1 - beliefs.pass_[index]) * correction
            fails = 1 - beliefs.pass_[index]
            line += f" = ${cost - risk:.6f} {unit}s + {fails:.1%} x ${correction:.2f} correction"
        latency = decision.expected_latency_ms[tier]
        lines.append(line + ("" if latency is None else f", about {latency / 1000:.1f} s"))
    lines += _prompt_cache(decision)
    priced = decision.evidence.choice.priced
    if priced is not None:
        names = " then ".join(decision.evidence.ladder.names[rung] for rung in priced.rungs)
        lines.append(
            f"  Cheapest plan: {names}, expected ${priced.expected_cost_usd:.6f}; "
            f"{priced.p_unclean:.1%} of its results would need a correction."
        )
    yield "\n".join(lines)


def _prompt_cache(decision: Decision) -> Iterator[str]:
    """What staying on the session's tier saves, where it decided or could have."""
    task, choice, ladder = decision.task, decision.evidence.choice, decision.evidence.ladder
    if not task.cached_tokens or task.session_tier is None:
        return
    yield (
        f"  {task.cached_tokens:,} tokens are in the prompt cache of {task.session_tier}; another tier "
        "would have to write them anew."
    )
    if choice.stayed_from is not None:
        other = ladder.names[choice.stayed_from]
        stays, moves = decision.expected_cost_usd[decision.tier], decision.expected_cost_usd[other]
        yield (
            f"  Staying on {decision.tier} ${stays:.6f} < moving to {other} ${moves:.6f}: "
            f"saves ${moves - stays:.6f}. It stays only on a higher tier than the task needs."
        )


def _what_would_change_it(decision: Decision) -> Iterator[str]:
    found = alternatives(decision)
    if found:
        yield "What would change the answer:\n" + "\n".join(f"  - {line}" for line in found)


def _footer(decision: Decision) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in decision.versions.items())
    return f"decision {decision.decision_id} ({versions})"
