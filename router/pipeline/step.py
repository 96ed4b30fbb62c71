"""One step of a pipeline. Checked once, here, and frozen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from ...classifier.errors import (
    InvalidPipeline,
    InvalidRequest,
    InvalidTask,
    MissingExtra,
    UnknownFact,
    suggestion,
)
from ...classifier.task import FACTS, Task, check_fact_names
from ._checks import built_check
from ._template import Template, parse_template

if TYPE_CHECKING:
    from ..run import Options
    from ..run._check import Check

Function = Callable[[Mapping[str, Any], Mapping[str, str]], Any]
_NAME = re.compile(r"\w[\w-]*")
_OF_THE_STEP = ("task_type", "deterministic", "attempts")  # facts that a step says in another way, or can't
_KEYS = ("name", "specification", "task_type", "needs", "check", "options", "deterministic")


@dataclass(frozen=True)
class Step:
    """What a pipeline does to every article, once.

        Step("meta", "Write a meta description for:\\n\\n{steps.draft}", needs=["draft"],
             check={"length": {"max_chars": 155}}, facts={"output_tokens": 60})

    Parameters
    ----------
    name : of letters, digits, - and _.
    specification : a template. `{topic}` is a field of the article, `{steps.draft}` what the step "draft"
        wrote; {{ and }} are braces. Tier and mode are decided on the text without what is filled in, so that
        one decision speaks for all articles.
    task_type : the recurring kind of work (default: the name); history is kept per type.
    needs : steps that must be done before (default: those that the template uses, else the step before).
    facts : of one article's request; see `Task`. items, input_tokens and output_tokens too.
    check : what a program checks of the answer: a mapping of json (True), json_schema, regex, length
        (max_chars, ...) and items (exactly, ...), all of which must hold, or any check that `Router.run`
        takes. It makes the step verifiable.
    options : what the request says besides (system, max_tokens, effort, ...), as for `Options`.
    function : does the step without a model: called with the article's fields and the outputs of all steps
        that come before it by their needs, its result is the step's output.
    deterministic : no model either; somebody else does it.

    Raises InvalidPipeline, naming the step, what was found and what is allowed.
    """

    name: str
    specification: str = ""
    task_type: str | None = None
    needs: tuple[str, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    check: Mapping[str, Any] | Callable[[str], Any] | Check | None = field(default=None, hash=False)
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    function: Function | None = None
    deterministic: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise InvalidPipeline(
                f"A step's name must be of letters, digits, - and _; got {self.name!r}.", about=self.name
            )
        if self.function is not None and not callable(self.function):
            self._refuse("function", f"must be callable; got {self.function!r}")
        if not isinstance(self.deterministic, bool):
            self._refuse("deterministic", f"must be true or false; got {self.deterministic!r}")
        object.__setattr__(self, "deterministic", self.deterministic or self.function is not None)
        object.__setattr__(self, "needs", self._names_of(self.needs))
        for name in ("facts", "options"):
            if not isinstance(getattr(self, name), Mapping):
                self._refuse(name, f"must be a table; got {getattr(self, name)!r}")
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        if self.check is not None and self.deterministic:
            self._refuse("check", "goes with a model's answer; this step needs no model")
        self._check_text()
        self.task()
        with suppress(MissingExtra):  # a plan needs no check; a run says what to install
            _ = self.built_options, self.built_check

    @cached_property
    def template(self) -> Template:
        return parse_template(self.specification, self.where)

    @property
    def where(self) -> str:
        return f"Step {self.name!r}"

    @property
    def items(self) -> int:
        """Of one article."""
        return max(int(self.facts.get("items") or 1), 1)

    @cached_property
    def built_check(self) -> Check | None:
        return None if self.check is None else built_check(self.check, self.where)

    @cached_property
    def built_options(self) -> Options:
        from ..run import Options

        try:
            return Options(**self.options)
        except (TypeError, InvalidRequest) as error:
            known = Options.__dataclass_fields__
            wrong = next((name for name in self.options if name not in known), None)
            if wrong is None:
                self._refuse("options", f"can't be used: {error}")
            self._refuse(
                f"options.{wrong}", f"is unknown{suggestion(wrong, known)} Known: {', '.join(known)}"
            )

    def task(self, **facts: Any) -> Task:
        """What is decided about; `facts` come before those of the step."""
        verifiable = None if self.check is None else True
        values = {"verifiable": verifiable, **self.facts, **facts}
        if self.deterministic:
            values["deterministic"] = True
        text = self.template.instruction.strip() or self.name
        try:
            return Task(text, task_type=self.task_type or self.name, **values)
        except InvalidTask as error:
            raise InvalidPipeline(f"{self.where}: {error}", about=error.about) from error

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any], where: str = "The pipeline") -> Step:
        """A step from a parsed table; keys that are facts of a task are facts of the step."""
        if "name" not in table:
            raise InvalidPipeline(f'{where} has a step without a name; give name = "...".', about="name")
        known = (*_KEYS, *(fact for fact in FACTS if fact not in _OF_THE_STEP))
        for key in table:
            if key not in known:
                raise InvalidPipeline(
                    f"Step {table['name']!r} has an unknown key {key!r}{suggestion(key, known)} "
                    f"Known: {', '.join(known)}.",
                    about=key,
                )
        own = {key: table[key] for key in _KEYS if key in table}
        return cls(**own, facts={key: value for key, value in table.items() if key not in _KEYS})

    def _names_of(self, needs: Any) -> tuple[str, ...] | None:
        if needs is None:
            return None
        if not isinstance(needs, (list, tuple)) or not all(isinstance(each, str) for each in needs):
            self._refuse("needs", f"must be a list of names of steps; got {needs!r}")
        return tuple(needs)

    def _check_text(self) -> None:
        if not isinstance(self.specification, str):
            self._refuse("specification", f"must be a text; got {self.specification!r}")
        if not self.deterministic and not self.specification.strip():
            self._refuse("specification", "is empty; say what the model is to do, or deterministic = true")
        for name in self.facts:
            if name in _OF_THE_STEP:
                self._refuse(
                    f"facts.{name}",
                    "is said by the step itself" if name != "attempts" else "is not known yet",
                )
        try:
            check_fact_names(self.facts)
        except UnknownFact as error:
            raise InvalidPipeline(f"{self.where}: {error}", about=error.about) from error
        _ = self.template

    def _refuse(self, key: str, why: str) -> NoReturn:
        raise InvalidPipeline(f"{self.where}: {key} {why}.", about=key)
