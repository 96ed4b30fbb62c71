"""Steps that a function of the user does: called, and what it raises said with the step and the article."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from ...classifier.errors import InvalidRequest, StepFailed
from ._template import text_of
from ._work import Work
from .pipeline import Pipeline


def check_blocking(pipeline: Pipeline) -> None:
    """Raise InvalidRequest for a function that needs asyncio."""
    for step in pipeline.steps:
        if inspect.iscoroutinefunction(step.function):
            raise InvalidRequest(
                f"{step.where}: its function is async; use arun_pipeline, or give a plain function.",
                about=step.name,
            )


def called(work: Work) -> str:
    """What the function returns, as a text. Raises StepFailed."""
    assert work.step.function is not None
    try:
        return _text(work.step.function(work.article.fields, work.outputs))
    except Exception as error:
        raise _failed(work, error) from error


async def acalled(work: Work) -> str:
    """An async function in the loop, a plain one beside it: it may wait for a network."""
    function = work.step.function
    assert function is not None
    try:
        found = await asyncio.to_thread(function, work.article.fields, work.outputs)
        return _text(await found if inspect.isawaitable(found) else found)
    except Exception as error:
        raise _failed(work, error) from error


def _failed(work: Work, error: Exception) -> StepFailed:
    return StepFailed(
        f"{work.step.where} of article {work.article.number}: its function raised "
        f"{type(error).__name__}: {error}.",
        about=work.step.name,
    )


def _text(output: Any) -> str:
    return "" if output is None else text_of(output)
