"""tierwise explain: one decision opened up."""

from __future__ import annotations

import json
from typing import Any

import click

from ..classifier.errors import InvalidTask
from ._facts import fact_options, given
from ._policy import policy_options


@click.command()
@click.argument("specification")
@click.option("--history", help='Outcomes of this type, {"haiku": [clean, not clean], ...} as JSON.')
@policy_options
@fact_options
def explain(specification: str, history: str | None, policy: Any, **options: Any) -> None:
    """Say why a task goes where it goes, and what would change it.

    \b
    tierwise explain "Rewrite our refund policy" --live
    tierwise explain "Meta description" --history '{"haiku": [3, 9]}'
    """
    from ..router.predict import predict_tier

    counts = None
    if history is not None:
        try:
            counts = json.loads(history)
        except json.JSONDecodeError as error:
            raise InvalidTask(f"--history is not JSON: {error.msg} at column {error.colno}.") from error
        except (ValueError, RecursionError) as error:
            raise InvalidTask(f"--history can't be read: {error}.") from error
    decision = predict_tier(specification, history=counts, policy=policy, **given(options))
    click.echo(decision.explain())
