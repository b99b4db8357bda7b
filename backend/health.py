"""`/live`, `/ready`, `/metrics`, for whoever watches the process."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from backend.resources import Using

log = structlog.get_logger(__name__)

router = APIRouter(tags=["health"])


@router.get("/live")
def live() -> dict[str, str]:
    """The process runs."""
    return {"status": "live"}


@router.get("/ready")
def ready(resources: Using) -> JSONResponse:
    """The process can work: its database answers and its folders are there."""
    reasons = []
    try:
        resources.database.check()
    except Exception as error:
        log.exception("database does not answer")
        reasons.append(f"the database does not answer ({type(error).__name__})")
    for name in ("store", "keys", "weights", "rounds"):
        if not getattr(resources.settings, name).is_dir():
            reasons.append(f"folder DISCLOOP_{name.upper()} is gone")
    status = "ready" if not reasons else "not ready"
    return JSONResponse({"status": status, "reasons": reasons}, status_code=503 if reasons else 200)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Prometheus' text format. Counts only: nothing of a person or patient."""
    registry: CollectorRegistry = request.app.state.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
