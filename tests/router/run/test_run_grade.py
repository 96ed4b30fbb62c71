"""A tier grades: its cost is counted, and a grader that fails gives no verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tierwise import predict_tier
from tierwise.classifier.errors import BudgetExceeded
from tierwise.router.run import Grade, Limits, Options, checks, execute
from tierwise.router.run._bounds import expected_usd
from tierwise.router.run._next import Next
from tierwise.testing import Answer, Fault, MessagesServer

YES, NO = '{"passes": true, "reason": "fine"}', '{"passes": false, "reason": "a brand is named"}'
GRADE = Grade("sonnet", "No brand is named.")


@pytest.fixture
def decision():
    return predict_tier("Tag these 40 tickets by product area, JSON out", verifiable=True, ceiling="haiku")


def is_grading(request):
    return "<criteria>" in request["messages"][0]["content"]


def run(decision, graded, **options):
    def answers(request):
        return graded if is_grading(request) else "tagged"

    with MessagesServer(answers) as server:
        result = execute(
            decision,
            client=server.client(),
            **{"check": GRADE, "limits": Limits(max_retries=1, first_backoff_s=0.01), **options},
        )
        return result, server


@pytest.mark.parametrize(("graded", "status"), [(YES, "passed"), (NO, "failed")])
def test_the_grade_is_the_verdict_and_its_cost_is_part_of_the_run(decision, graded, status):
    result, server = run(decision, graded)
    assert result.status == status
    assert [call.model for call in server.calls] == ["claude-haiku-5-5", "claude-sonnet-5-5"]
    assert result.check.cost_usd == pytest.approx(server.calls[1].cost_usd)
    assert result.cost_usd == pytest.approx(server.cost_usd)
    question = server.calls[1].request
    assert "tagged" in question["messages"][0]["content"]
    assert decision.task.specification in question["messages"][0]["content"]
    assert question["output_config"]["format"]["schema"]["required"] == ["passes", "reason"]


@pytest.mark.parametrize(
    ("graded", "detail"),
    [
        ("Yes, it is fine.", "the grader didn't answer as asked"),
        ('{"passes": "yes"}', "the grader didn't answer as asked"),
        ("[]", "the grader didn't answer as asked"),
        (Answer.refusal(), "the grader's answer was refused"),
        (Answer("x" * 9999), "the grader's answer was cut_off"),
        (Fault.error(400), "RequestRefused"),
        (Fault.error(529), "ServiceBusy"),
    ],
)
def test_a_grader_that_fails_has_not_run(decision, graded, detail):
    check = Grade("sonnet", "No brand is named.", options=Options(max_tokens=50, effort="low"))
    result, server = run(decision, graded, check=check)
    assert (result.status, result.text, result.is_usable) == ("check_not_run", "tagged", True)
    assert result.check.detail == detail
    assert result.cost_usd == pytest.approx(server.cost_usd)
    assert len(result.attempts) == 1


def test_cheap_checks_come_first_so_that_nothing_is_graded_in_vain(decision):
    result, server = run(decision, YES, check=checks.all_of(checks.json_schema(), GRADE))
    assert (result.status, len(server.calls)) == ("failed", 1)


def test_the_expected_cost_of_a_grade_is_known_before(decision, ladder):
    expected = GRADE.expected_cost_usd(decision.task, ladder)
    result, _ = run(decision, YES)
    assert result.check.cost_usd / 4 < expected < result.check.cost_usd * 4
    assert (
        checks.all_of(GRADE, checks.length(), GRADE).expected_cost_usd(decision.task, ladder) == 2 * expected
    )
    assert checks.function(str.islower).expected_cost_usd(decision.task, ladder) == 0.0
    upcoming = Next(decision, Options())
    attempt = expected_usd(upcoming, None)
    # of an answer as long as it is expected to be, although the task doesn't say how long
    as_expected = replace(decision.task, output_tokens=decision.evidence.policy.default_output_tokens)
    of_answer = GRADE.expected_cost_usd(as_expected, ladder)
    assert of_answer > expected
    assert expected_usd(upcoming, GRADE) == pytest.approx(attempt + of_answer)
    with pytest.raises(BudgetExceeded):  # enough for the answer, not for its grade
        run(decision, YES, limits=Limits(max_usd=attempt + (expected + of_answer) / 2))
