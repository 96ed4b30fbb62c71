"""Requests made up from the OpenAPI document, valid and not: none is answered with a failure of ours."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from served import served

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its dependencies, at import
    import schemathesis
    from schemathesis import checks

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def fuzz(log_url: str, n_examples: int) -> int:
    """How many requests were answered as the document says."""
    n_answered = 0
    with served(log=log_url) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = str(client.base_url).rstrip("/")
        document = schemathesis.openapi.from_url(f"{base}/openapi.json")
        operations = [found.ok() for found in document.get_all_operations()]
        assert len(operations) == 8
        with_bodies = [each for each in operations if each.method.upper() == "POST"]
        for operation in operations:
            # what has no parameters has one form of request
            n = n_examples // (len(with_bodies) + 1) if operation.body or operation.path_parameters else 2
            modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
            if not operation.body and not operation.path_parameters:
                modes = modes[:1]

            @settings(
                max_examples=n,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=st.one_of([operation.as_strategy(mode) for mode in modes]))
            def answered(case):
                nonlocal n_answered
                case.call_and_validate(base_url=base, checks=CHECKS, timeout=30)
                n_answered += 1

            answered()
        text = client.get("/metrics").text
        assert 'status="5' not in text
    return n_answered


def test_made_up_requests_are_answered_as_documented(sqlite_url):
    assert fuzz(sqlite_url, 120) >= 60


@pytest.mark.slow
def test_five_thousand_made_up_requests_are_answered_as_documented(sqlite_url):
    assert fuzz(sqlite_url, 5_200) >= 5_000
