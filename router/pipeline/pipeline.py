"""A pipeline: steps in an order that each step's needs allow. Checked once, here, and frozen."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from ...classifier.errors import InvalidPipeline, suggestion
from ._template import check_fields
from .step import Function, Step

PIPELINE_FORMAT = 1
_KEYS = ("format", "name", "step")


@dataclass(frozen=True)
class Pipeline:
    """Steps that every article goes through.

        Pipeline("post", [Step("draft", "Write about {topic}"), Step("tags", "Tag it:\\n{steps.draft}")])
        Pipeline.load("article.toml", functions={"publish-check": is_online})

    Parameters
    ----------
    name : of the pipeline.
    steps : in the order in which a person would name them.

    Raises InvalidPipeline: no step, a name twice, an unknown step in `needs` or in a template, a cycle.
    """

    name: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", tuple(self.steps))
        if not self.steps or not all(isinstance(step, Step) for step in self.steps):
            raise InvalidPipeline(
                f"Pipeline {self.name!r} needs at least one Step; got {self.steps!r}.", about=self.steps
            )
        names = [step.name for step in self.steps]
        for name in names:
            if names.count(name) > 1:
                raise InvalidPipeline(
                    f"Two steps are called {name!r}; a name stands for one step.", about=name
                )
        _ = self.order

    @cached_property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """Step -> steps that must be done before it."""
        found: dict[str, tuple[str, ...]] = {}
        before: tuple[str, ...] = ()
        for step in self.steps:
            used = step.template.steps
            needs = (*(step.needs or ()), *used) if step.needs is not None or used else before
            found[step.name] = tuple(dict.fromkeys(needs))
            before = (step.name,)
        return found

    @cached_property
    def ancestors(self) -> dict[str, tuple[str, ...]]:
        """Step -> all steps that are done before it: those that it needs, and those that these need."""
        found: dict[str, tuple[str, ...]] = {}
        for step in self.order:
            needs = self.needs[step.name]
            further = (name for need in needs for name in (*found[need], need))
            found[step.name] = tuple(dict.fromkeys(further))
        return found

    @cached_property
    def order(self) -> tuple[Step, ...]:
        """The steps, each after those that it needs, else in the order given."""
        names = [step.name for step in self.steps]
        for name, needs in self.needs.items():
            for need in needs:
                if need not in names:
                    raise InvalidPipeline(
                        f"Step {name!r} needs a step {need!r} that isn't there{suggestion(need, names)} "
                        f"Steps: {', '.join(names)}.",
                        about=need,
                    )
        try:
            TopologicalSorter(self.needs).prepare()
        except CycleError as error:
            cycle = " needs ".join(repr(name) for name in reversed(error.args[1]))
            raise InvalidPipeline(
                f"No step of a cycle can begin: {cycle}. Leave one of these needs out; a step that says "
                "nothing of needs waits for the step before it, one with needs = [] for none.",
                about=tuple(error.args[1]),
            ) from error
        ordered: dict[str, Step] = {}
        while len(ordered) < len(names):  # not the sorter's own order: that would be by levels
            waiting = (step for step in self.steps if step.name not in ordered)
            following = next(step for step in waiting if set(self.needs[step.name]) <= ordered.keys())
            ordered[following.name] = following
        return tuple(ordered.values())

    @cached_property
    def fields(self) -> dict[str, str]:
        """Fields that an article must have -> the first step that needs each."""
        found: dict[str, str] = {}
        for step in self.steps:
            for name in step.template.fields:
                found.setdefault(name, step.name)
        return found

    def __getitem__(self, name: str) -> Step:
        for step in self.steps:
            if step.name == name:
                return step
        known = [step.name for step in self.steps]
        raise InvalidPipeline(
            f"Pipeline {self.name!r} has no step {name!r}{suggestion(name, known)} "
            f"Steps: {', '.join(known)}.",
            about=name,
        )

    def check_articles(self, articles: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
        """The articles. Raises InvalidPipeline for one that is no mapping or lacks a field."""
        found = tuple(articles)
        for number, article in enumerate(found, start=1):
            if not isinstance(article, Mapping):
                raise InvalidPipeline(
                    f"Article {number} must be a mapping of fields; got {type(article).__name__}.",
                    about=number,
                )
            check_fields(self.fields, article, f"Article {number}")
        return found

    def with_functions(self, functions: Mapping[str, Function]) -> Pipeline:
        """The same, with functions that do deterministic steps."""
        steps = list(self.steps)
        for name, function in functions.items():
            step = self[name]
            if not step.deterministic:
                raise InvalidPipeline(
                    f"Step {name!r} is done by a model; only one that says deterministic = true can have a "
                    "function.",
                    about=name,
                )
            steps[steps.index(step)] = replace(step, function=function)
        return replace(self, steps=tuple(steps))

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, functions: Mapping[str, Function] | None = None
    ) -> Pipeline:
        """Read a pipeline from TOML: `name`, and a [[step]] table per step.

        Raises InvalidPipeline, naming file, line (where it is no TOML), step and key.
        """
        chosen = Path(path)
        try:
            document = tomllib.loads(chosen.read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidPipeline(
                f"Can't read the pipeline {chosen}: {error.strerror}.", about=chosen
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidPipeline(f"{chosen} is not a TOML file: {error}.", about=chosen) from error
        try:
            found = cls.from_mapping({"name": chosen.stem, **document})
            return found.with_functions(functions) if functions else found
        except InvalidPipeline as error:
            error.args = (f"{chosen}: {error}",)
            raise

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any]) -> Pipeline:
        """A pipeline from a parsed document. Raises InvalidPipeline."""
        for key in document:
            if key not in _KEYS:
                raise InvalidPipeline(
                    f"Unknown key {key!r}{suggestion(key, _KEYS)} A pipeline has: {', '.join(_KEYS)}.",
                    about=key,
                )
        form, tables = document.get("format", PIPELINE_FORMAT), document.get("step", [])
        if not isinstance(form, int) or form > PIPELINE_FORMAT:
            raise InvalidPipeline(
                f"format is {form!r}; this tierwise reads up to {PIPELINE_FORMAT}. Upgrade tierwise.",
                about=form,
            )
        if not isinstance(tables, list) or not tables or not all(isinstance(t, Mapping) for t in tables):
            raise InvalidPipeline("A pipeline lists its steps as [[step]] tables; found none.", about="step")
        return cls(str(document.get("name", "pipeline")), tuple(Step.from_mapping(table) for table in tables))
