"""The service: Label Studio's protocol, the control plane's routes, health and metrics."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from domain.errors import DiscLoopError
from ml_backend.access import require_password
from ml_backend.control_plane import ControlPlaneRoutes
from ml_backend.label_studio import LabelStudioRoutes
from ml_backend.limits import BodyLimit
from ml_backend.settings import Settings
from ml_backend.slot import ModelSlot
from ml_backend.store import SliceStore
from ml_backend.telemetry import Telemetry
from ml_backend.workbench import QueueFull, Workbench

RETRY_AFTER_S = 5
REQUEST_ID = "X-Request-ID"
log = structlog.get_logger()


def create_app(settings: Settings, *, slot: ModelSlot | None = None) -> FastAPI:
    """The application; loads its first model at start unless the slot holds one."""
    telemetry = Telemetry()
    workbench = Workbench(queue=settings.ml_queue, telemetry=telemetry)
    slot = slot or ModelSlot(runtime=settings.ml_runtime, threads=settings.ml_threads)
    store = SliceStore(settings.store, settings.keys)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if not slot.loaded:
            await run_in_threadpool(slot.load, settings.first_model)
        serving = slot.current
        telemetry.serves(serving.model.version, serving.generation)
        log.info("serving", model=serving.model.version, runtime=settings.ml_runtime.value)
        yield
        workbench.close()

    app = FastAPI(
        title="DiscLoop ML backend",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses={
            "4XX": {"description": "Refused; `detail` says why"},
            "5XX": {"description": "Too many wait for the model, or it is not loaded yet"},
        },
    )
    guarded = [Depends(require_password(settings.ml_password.get_secret_value()))]
    protocol = LabelStudioRoutes(slot, store, workbench)
    app.include_router(protocol.router(reading=False), dependencies=guarded)
    app.include_router(protocol.router(reading=True), dependencies=guarded)
    control = ControlPlaneRoutes(slot, store, workbench, telemetry, settings.weights)
    app.include_router(control.router(), dependencies=guarded)
    _add_health(app, slot)

    @app.get("/metrics", dependencies=guarded)
    async def metrics() -> Response:
        return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_LATEST)

    app.add_middleware(BodyLimit)
    _add_errors(app)
    _add_measuring(app, telemetry)
    return app


def _add_health(app: FastAPI, slot: ModelSlot) -> None:
    @app.get("/live")
    async def live() -> dict[str, str]:
        return {"status": "UP"}

    async def ready() -> Response:
        if not slot.loaded:
            return JSONResponse({"status": "DOWN", "reason": "no model is loaded yet"}, 503)
        return JSONResponse({"status": "UP", "model_class": "DiscLoop", "model": slot.current.model.version})

    for path in ("/", "/health", "/ready", "/reading", "/reading/", "/reading/health"):
        app.add_api_route(path, ready, methods=["GET"], include_in_schema=path in ("/health", "/ready"))


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(QueueFull)
    async def full(_: Request, __: Exception) -> Response:
        reason = "too many requests wait for the model: try again"
        return JSONResponse({"detail": reason}, 503, headers={"Retry-After": str(RETRY_AFTER_S)})

    @app.exception_handler(RequestValidationError)
    async def unfit(_: Request, error: Exception) -> Response:
        # Without what was given, which FastAPI would repeat and cannot where it is no text.
        assert isinstance(error, RequestValidationError)
        found = [
            {"loc": list(map(_plain, one["loc"])), "msg": one["msg"], "type": one["type"]}
            for one in error.errors()
        ]
        return JSONResponse({"detail": found}, 422)

    @app.exception_handler(DiscLoopError)
    async def wrong(_: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, 422)


def _plain(part: str | int) -> str | int:
    """A field's name, which may hold half a character, as text that can be sent."""
    return part if isinstance(part, int) else part.encode("ascii", "backslashreplace").decode()


def _add_measuring(app: FastAPI, telemetry: Telemetry) -> None:
    @app.middleware("http")
    async def measure(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        begun = time.perf_counter()
        request_id = _request_id(request.headers.get(REQUEST_ID))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = await _answered(request, answer)
        response.headers[REQUEST_ID] = request_id
        path = getattr(request.scope.get("route"), "path", "other")
        telemetry.seconds.labels(path).observe(time.perf_counter() - begun)
        telemetry.requests.labels(path, str(response.status_code)).inc()
        return response


async def _answered(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        return await answer(request)
    except Exception:
        log.exception("request failed", path=getattr(request.scope.get("route"), "path", "other"))
        return JSONResponse({"detail": "something went wrong here; the log says where"}, 500)


def _request_id(given: str | None) -> str:
    """The caller's, where it is a UUID: it goes to the logs."""
    try:
        return str(uuid.UUID(given)) if given else str(uuid.uuid4())
    except ValueError:
        return str(uuid.uuid4())
