"""Asking an API for all that its own schema describes, and for what it rules out, in process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import seed as chance
from hypothesis import settings as effort
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.soaking import seed, times

EXAMPLES = times(in_test=5, in_soak=200)
CHECKS = (not_a_server_error, status_code_conformance, response_schema_conformance)


def wrong_answers(app: FastAPI, headers: dict[str, str]) -> Iterator[str]:
    """What each operation answered that its schema does not say."""
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", app)
    for found in schema.get_all_operations():
        for mode in GenerationMode:
            yield from _wrong_answers_of(found.ok(), mode, headers)


def _wrong_answers_of(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> Iterator[str]:
    @chance(seed())
    @effort(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    except FailureGroup as failures:
        yield from (f"{operation.label}: {failure}" for failure in failures.exceptions)
    except Unsatisfiable:
        # Nothing breaks the schema of an operation that takes nothing.
        if mode is GenerationMode.POSITIVE:
            raise
