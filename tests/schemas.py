"""Asking an API for all that its own schema describes, in process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.soaking import times

EXAMPLES = times(in_test=10, in_soak=500)
CHECKS = (not_a_server_error, status_code_conformance, response_schema_conformance)


def wrong_answers(app: FastAPI, headers: dict[str, str]) -> Iterator[str]:
    """What each operation answered that its schema does not say."""
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", app)
    for found in schema.get_all_operations():
        operation = found.ok()

        @effort(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            answer = case.call(headers=headers)
            case.validate_response(answer, checks=CHECKS)

        try:
            ask()
        except FailureGroup as failures:
            yield from (f"{operation.label}: {failure}" for failure in failures.exceptions)
