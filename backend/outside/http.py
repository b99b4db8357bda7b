"""One way to speak HTTP with a service of ours: time limits, no redirects, readable errors."""

from __future__ import annotations

from typing import Any, TypeVar

import httpx
import structlog
from pydantic import BaseModel, ValidationError

from backend.errors import Conflict, Unavailable

Answer = TypeVar("Answer", bound=BaseModel)


def call(client: httpx.Client, service: str, method: str, path: str, body: BaseModel | None = None) -> Any:
    """Send one request; give the JSON of the answer, `None` where there is none.

    Raises:
        Unavailable: If the service does not answer, or answers with an error of its own.
        Conflict: If it refuses with 409.
    """
    content = None if body is None else body.model_dump_json()
    headers = {"Content-Type": "application/json"} if content else {}
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id is not None:
        # The other service logs it too: one act is one id everywhere.
        headers["X-Request-ID"] = str(request_id)
    try:
        response = client.request(method, path, content=content, headers=headers)
    except httpx.HTTPError as error:
        raise Unavailable(
            f"{service} does not answer at {client.base_url} ({type(error).__name__})"
        ) from None
    where = f"{service}, {method} {path.partition('?')[0]}"
    if response.status_code == 409:
        raise Conflict(f"{where}: refused as a conflict")
    if not response.is_success:
        raise Unavailable(f"{where}: answered {response.status_code}")
    if response.status_code == 204 or not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        raise Unavailable(
            f"{where}: JSON was expected, {response.headers.get('content-type')} came"
        ) from None


def read(kind: type[Answer], service: str, answer: Any) -> Answer:
    """Check an answer against its contract.

    Raises:
        Unavailable: Naming the field that is not as agreed.
    """
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unavailable(f"{service}: its answer is not as agreed: {where}: {first['msg']}") from None
