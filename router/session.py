"""The token-limit rule for whoever holds a session: where the next step is done when the context is full."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ..classifier.errors import InvalidTask, NoTierFits
from ..classifier.task import FACTS, Task
from ._deciding import Decided, unlogged
from ._messages import (
    Message,
    cached_tokens,
    checked_messages,
    is_question,
    text_of,
    tokens_of,
    used_tokens,
    user_turn,
)
from ._tasks import task_of
from .decision import Decision
from .ladder import Ladder, default_ladder
from .ladder.tier import Tier
from .policy import Policy
from .predict import predict_tier

if TYPE_CHECKING:
    from .router import Router

Where = Literal["session", "fresh_window", "new_session"]
_CARRIED_SHARE = 0.5  # of the window, at most; the rest is for the work to come


@dataclass(frozen=True)
class NextStep:
    """Where the next step is done, and with what.

    where : "session": it fits, the session goes on. "fresh_window": the session is full, but a smaller tier
        does this step by itself; go back to `return_to` with its answer. "new_session": the session is full
        and no smaller tier is sure enough; go on in a new session at the decision's tier.
    messages : what to send: the session and the step; the material and the step; or the session's beginning
        and as many of its latest messages as fill half a window, and the step.
    return_to : the tier to go back to once the answer is there; None where nothing was left.
    left_out : messages of the session that are not handed over.

    Carry it out with `execute(step.decision, options=Options(messages=step.messages))`.
    """

    decision: Decision
    where: Where
    messages: tuple[Message, ...]
    return_to: Tier | None
    left_out: int

    @property
    def task(self) -> Task:
        return self.decision.task


class Session:
    """A conversation on one tier, and how full its context is.

        session = Session("sonnet", messages=messages, context_used=190_000)
        step = session.next_step("Write the article's meta description, 155 characters", material=article)
        result = execute(step.decision, client=client, options=Options(messages=step.messages))
        session.finish(step, result)                # back on Sonnet, richer by an answer

    Parameters
    ----------
    tier : that it runs on (default: the production tier).
    messages : so far, as `messages.create` takes them; without the system prompt, which is the caller's.
    context_used : tokens; default: estimated from the messages, and known from the first answer on.
    context_window : tokens (default: of the tier's model).
    router : decides and logs; without one, `predict_tier` with `policy` decides.

    Raises InvalidTask for an unknown tier, for messages or tokens that are none, or where no window is known.
    """

    def __init__(
        self,
        tier: str | None = None,
        *,
        messages: Iterable[Message] = (),
        context_used: int | None = None,
        context_window: int | None = None,
        router: Router | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._router = router
        self._policy = policy if router is None else router.policy
        self._ladder = self._own_ladder()
        place = self._ladder.production if tier is None else self._ladder.index(tier)
        self.tier: Tier = self._ladder.tiers[place]
        self.messages: tuple[Message, ...] = checked_messages(messages)
        given = Task("", context_used=context_used, context_window=context_window)  # checks them
        self.context_used = tokens_of(self.messages) if given.context_used is None else given.context_used
        self._given_window = given.context_window
        self._cached_tokens = 0  # of it, on its tier, as the last answer said
        if context_window == 0:
            raise InvalidTask("context_window must be a whole number > 0; got 0.", about="context_window")
        if context_window is None and self._ladder.rungs[place].context_window_tokens is None:
            raise InvalidTask(
                f"The ladder has no context window of {self.tier!r}; give context_window=.", about=self.tier
            )

    @property
    def context_window(self) -> int:
        """Tokens."""
        own = self._ladder.rungs[self._ladder.index(self.tier)].context_window_tokens
        return self._given_window or own or 0

    @property
    def room(self) -> int:
        """Tokens that are left."""
        return max(self.context_window - self.context_used, 0)

    def next_step(
        self,
        specification: str | Task | Mapping[str, Any],
        *,
        material: str | Sequence[str] = (),
        task_type: str | None = None,
        **facts: Any,
    ) -> NextStep:
        """Decide where this step is done.

        material : texts that the step needs and that a fresh window wouldn't have, such as the article that
            the session has written. They are sent only there.
        facts : see `Task`. The session's own are filled in: tier, window, the tokens that are used once the
            step has been put to it, and what is sent (`input_tokens`), with what the last answer said is
            cached; so a tier whose window can't hold it is not chosen, and it is priced.

        Raises InvalidTask.
        """
        task = task_of(specification, task_type, facts)
        texts = _texts(material)
        asked = user_turn(task.specification)
        task = replace(
            task,
            context_used=self.context_used + tokens_of([asked]),
            context_window=self.context_window,
            session_tier=str(self.tier),
        )
        return self._inside(task, asked) or self._outside(task, asked, texts)

    def _inside(self, task: Task, asked: Message) -> NextStep | None:
        """The session goes on, at a tier whose window holds all of it; None where it is full."""
        used = task.context_used or 0
        tokens = used if task.input_tokens is None else task.input_tokens
        inside = replace(task, input_tokens=tokens)
        if task.cached_tokens is None and self._cached_tokens:
            inside = replace(inside, cached_tokens=min(self._cached_tokens, tokens))
        try:
            found = self._decided(inside)
            output_tokens = int(found.decision.evidence.choice.tokens.output)
            if used + output_tokens > self.context_window:
                return None
            if used + output_tokens > self._window_of(found.decision):  # it holds the session, but no answer
                found = self._decided(replace(inside, output_tokens=output_tokens))
        except NoTierFits:  # no tier that is allowed here holds it
            return None
        return NextStep(self._taken(found), "session", (*self.messages, asked), None, 0)

    def _outside(self, task: Task, asked: Message, texts: tuple[str, ...]) -> NextStep:
        """A smaller tier does it with a window of its own, or a new session goes on."""
        task = replace(task, cached_tokens=None)  # what is cached is the session
        alone = (user_turn("\n\n".join((*texts, task.specification))),)
        try:
            found = self._decided(_sending(task, alone))
        except NoTierFits:  # the material is too long for all
            found = self._decided(_sending(task, [asked]))
        else:
            return_to = found.decision.return_to
            if return_to is not None:
                return NextStep(self._taken(found), "fresh_window", alone, return_to, len(self.messages))
        carried = self._carried(found.decision)
        again = _sending(task, (*carried, asked))
        found = self._decided(again)
        if found.decision.return_to is not None:  # it would do without the material, which it can't have
            found = self._decided(replace(again, context_used=None, context_window=None))
        left_out = len(self.messages) - len(carried)
        return NextStep(self._taken(found), "new_session", (*carried, asked), None, left_out)

    def finish(self, step: NextStep, answer: Any) -> None:
        """Take the answer into the session: an SDK `Message`, a `RunResult`, or a text.

        From a fresh window only the question and its answer come back, not the material. After a new session
        this object is that session, on the tier of its decision. Of an answer without a text (a refusal, a
        tool's call alone) only the question comes back: the service takes no empty turn.

        Raises InvalidTask for what is no answer; the session is then as it was.
        """
        message = getattr(answer, "message", answer)
        if not isinstance(answer, str) and getattr(message, "content", None) is None:
            raise InvalidTask(
                f"answer must be a Message of the SDK, a RunResult that has one, or a text; got "
                f"{type(answer).__name__}.",
                about="answer",
            )
        text = answer if isinstance(answer, str) else text_of(message)
        said = [{"role": "assistant", "content": text}] if text.strip() else []
        if step.where == "fresh_window":
            turns = [user_turn(step.task.specification), *said]
            self.messages = (*self.messages, *turns)
            self.context_used += tokens_of(turns)
            return
        if step.where == "new_session":
            self.tier, self._given_window = step.decision.tier, None
        if step.decision.tier == self.tier:  # an answer of another tier leaves the cache where it is
            self._cached_tokens = cached_tokens(message)
        self.messages = (*step.messages, *said)
        used = used_tokens(message)
        self.context_used = tokens_of(self.messages) if used is None else used

    def _decided(self, task: Task) -> Decided:
        if self._router is not None:
            return unlogged(self._router, task, None, None)
        facts = {name: getattr(task, name) for name in FACTS}
        return Decided(predict_tier(task.specification, policy=self._policy, **facts), None, None)

    def _taken(self, found: Decided) -> Decision:
        """The decision that is followed is logged, and no other."""
        if self._router is not None and self._router._logged is not None:
            self._router._logged.add(found.decision, found.follows)
            self._router._logged.settle()
        return found.decision

    def _window_of(self, decision: Decision) -> float:
        """Tokens: of the model that is to answer."""
        if decision.tier == self.tier:
            return self.context_window
        return self._ladder.rungs[self._ladder.index(decision.tier)].context_window_tokens or math.inf

    def _carried(self, decision: Decision) -> tuple[Message, ...]:
        """The session's first message, which says what it is about, and its latest from a question on."""
        if not self.messages:
            return ()
        window = self._ladder.rungs[self._ladder.index(decision.tier)].context_window_tokens
        room = (window or self.context_window) * _CARRIED_SHARE
        first, rest = self.messages[:1], self.messages[1:]
        room -= tokens_of(first)
        start = len(rest)
        while start > 0 and tokens_of(rest[start - 1 :]) <= room:
            start -= 1
        while 0 < start < len(rest) and not is_question(rest[start]):
            start += 1
        return (*first, *rest[start:]) if room >= 0 else rest[start:]

    def _own_ladder(self) -> Ladder:
        given = None if self._policy is None else self._policy.ladder
        return given or default_ladder()


def _texts(material: str | Sequence[str]) -> tuple[str, ...]:
    texts = (material,) if isinstance(material, str) else material
    if not isinstance(texts, list | tuple) or not all(isinstance(each, str) for each in texts):
        raise InvalidTask("material must be a text or a list of texts.", about="material")
    return tuple(texts)


def _sending(task: Task, messages: Iterable[Message]) -> Task:
    """The task with what is sent for it, unless the caller has counted that."""
    return task if task.input_tokens is not None else replace(task, input_tokens=tokens_of(messages))
