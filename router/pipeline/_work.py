"""Which steps of which articles can be begun: when what they need is done. No clock, no disk, no network."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ...classifier.errors import InvalidPipeline
from ...classifier.task import Task
from ..run._keyed import Keyed, Keys
from ..run._request import Options
from ..run.jobs._result import TaskResult
from ._template import text_of
from .pipeline import Pipeline
from .step import Step


class Article(NamedTuple):
    """number : its place, from 1. key : its "id", else made from the fields that the pipeline uses."""

    number: int
    key: str
    fields: Mapping[str, Any]


class Work(NamedTuple):
    """One step of one article. prompt : what a model is sent. outputs : of all steps before it."""

    article: Article
    step: Step
    prompt: str
    outputs: Mapping[str, str]
    keyed: Keyed

    @property
    def options(self) -> Options:
        """Those of the step, with the prompt as the message, so that the log has the instruction only."""
        return replace(self.step.built_options, messages=[{"role": "user", "content": self.prompt}])


TaskOf = Callable[[Step, str], Task]


class Progress:
    """Of all articles. `is_done(keyed)` gives a step's output where the journal has it."""

    def __init__(
        self,
        pipeline: Pipeline,
        articles: Sequence[Article],
        task_of: TaskOf,
        done_before: Callable[[Keyed], str | None],
    ) -> None:
        self._pipeline, self._task_of, self._done_before = pipeline, task_of, done_before
        self._articles = {article.number: article for article in articles}
        self._outputs: dict[int, dict[str, str]] = {number: {} for number in self._articles}
        self._begun: dict[int, set[str]] = {number: set() for number in self._articles}
        self.works: dict[str, Work] = {}  # by key, also of steps that were done before
        self.n_done_before: Counter[str] = Counter()  # by step

    def start(self) -> list[Keyed]:
        """The first steps of all articles, or those at which they stand."""
        return [keyed for number in self._articles for keyed in self._unlocked(number)]

    def done(self, keyed: Keyed, output: str) -> list[Keyed]:
        """What the end of this step lets begin."""
        work = self.works[keyed.key]
        self._outputs[work.article.number][work.step.name] = output
        return list(self._unlocked(work.article.number))

    def _unlocked(self, number: int) -> Iterator[Keyed]:
        outputs, begun = self._outputs[number], self._begun[number]
        for step in self._pipeline.order:  # what a step needs comes before it
            needs = self._pipeline.needs[step.name]
            if step.name in begun or not all(need in outputs for need in needs):
                continue
            begun.add(step.name)
            work = self._work(self._articles[number], step, outputs)
            self.works[work.keyed.key] = work
            before = self._done_before(work.keyed)
            if before is None:
                yield work.keyed
            else:
                outputs[step.name] = before
                self.n_done_before[step.name] += 1

    def _work(self, article: Article, step: Step, outputs: Mapping[str, str]) -> Work:
        prompt = step.template.render(article.fields, outputs)
        before = {name: outputs[name] for name in self._pipeline.ancestors[step.name]}
        # done stays done as long as what it was made from is the same; a function may read all fields
        made_from = [article.fields, before] if step.deterministic else prompt
        digest = _digest(made_from)
        key = f"{article.key}/{step.name}/{digest}"
        return Work(
            article,
            step,
            prompt,
            before,
            Keyed(article.number, key, digest, self._task_of(step, prompt)),
        )


def numbered(pipeline: Pipeline, articles: Sequence[Mapping[str, Any]]) -> list[Article]:
    """Raises InvalidPipeline for articles that can't go through the pipeline, or have the same id."""
    found, keys = [], Keys("Article", InvalidPipeline)
    for number, fields in enumerate(pipeline.check_articles(articles), start=1):
        digest = _digest({name: fields[name] for name in pipeline.fields})
        found.append(Article(number, keys.next(fields.get("id"), digest), fields))
    return found


def output_of(result: TaskResult | None) -> str | None:
    """The output of a step that is done; None where it failed, was refused or cut off, or isn't done."""
    if result is None or not (result.is_usable or result.status == "no_model"):
        return None
    return result.text


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=text_of) if not isinstance(value, str) else value
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
