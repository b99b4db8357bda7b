"""Errors of the control plane, each with the HTTP status it becomes, and the one place that maps them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException

from domain.errors import DiscLoopError

log = structlog.get_logger(__name__)


class BackendError(DiscLoopError):
    """A request that cannot be answered as asked."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "wrong_request"


class SignInNeeded(BackendError):
    """Nobody is signed in."""

    status = 401
    code = "sign_in_needed"


class Forbidden(BackendError):
    """Somebody is signed in, who may not do this."""

    status = 403
    code = "forbidden"


class NotFound(BackendError):
    """What the address names does not exist, or not for this person."""

    status = 404
    code = "not_found"


class Conflict(BackendError):
    """The state of things does not allow it (now)."""

    status = 409
    code = "conflict"


class Invalid(BackendError):
    """The request's content is wrong; the message names the field."""

    status = 422
    code = "invalid"


class Unavailable(BackendError):
    """Another service is needed and does not answer."""

    status = 503
    code = "unavailable"


class ErrorBody(BaseModel):
    """What is wrong."""

    code: str
    message: str
    request_id: str | None = None


class ErrorOut(BaseModel):
    """Every refusal and failure, as programs read it."""

    error: ErrorBody


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorOut, "description": "Refused; the message says why"},
    "5XX": {"model": ErrorOut, "description": "Failed here, or another service does not answer"},
}
"""For the OpenAPI description: any operation may answer so."""


RenderError = Callable[[Request, int, str, str], Response]
"""Makes the page of (request, status, code, message)."""


def install_error_handlers(app: FastAPI, render: RenderError) -> None:
    """Turn every error into one answer: JSON under `/api`, a page for browsers."""

    def answer(request: Request, status: int, code: str, message: str) -> Response:
        if wants_page(request):
            if status == SignInNeeded.status and request.method == "GET":
                return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)
            return render(request, status, code, message)
        request_id = getattr(request.state, "request_id", None)
        body = {"error": {"code": code, "message": message, "request_id": request_id}}
        return JSONResponse(body, status_code=status)

    async def ours(request: Request, error: Exception) -> Response:
        status = error.status if isinstance(error, BackendError) else 400
        code = error.code if isinstance(error, BackendError) else "wrong_input"
        if status >= 500:
            log.warning("request refused", code=code, reason=str(error))
        return answer(request, status, code, str(error))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        # The input itself stays out of the answer and of the logs: it may hold what it should not.
        fields = [f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()]
        return answer(request, 422, "invalid", "; ".join(fields))

    async def unstorable(request: Request, error: Exception) -> Response:
        # Of text with a NUL, a number beyond the column: what no schema of ours describes.
        log.warning("value refused by the database", kind=type(error).__name__)
        return answer(request, 422, "invalid", "a value is one that the database cannot hold")

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = "not_found" if error.status_code == 404 else "refused"
        message = "nothing is here" if error.status_code == 404 else str(error.detail)
        return answer(request, error.status_code, code, message)

    handlers: list[tuple[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]] = [
        (DiscLoopError, ours),
        (RequestValidationError, invalid),
        (HTTPException, http),
        (DataError, unstorable),
    ]
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)


def wants_page(request: Request) -> bool:
    """Whether the answer goes to a person's browser."""
    is_api = request.url.path.startswith(("/api/", "/live", "/ready", "/metrics"))
    return not is_api and "text/html" in request.headers.get("accept", "")
