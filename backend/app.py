"""Puts the application together: nouns, frame, errors, jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from backend import health
from backend.adjudications.endpoints import NOUN as ADJUDICATIONS
from backend.agreement.endpoints import NOUN as AGREEMENT
from backend.audit.accesses import AccessLog
from backend.audit.endpoints import NOUN as AUDIT
from backend.balance.endpoints import NOUN as BALANCE
from backend.calibrations.endpoints import NOUN as CALIBRATIONS
from backend.canary.endpoints import NOUN as CANARY
from backend.comparisons.endpoints import NOUN as COMPARISONS
from backend.consensus.endpoints import NOUN as CONSENSUS
from backend.corrections.endpoints import NOUN as CORRECTIONS
from backend.database import Database
from backend.errors import DOCUMENTED, install_error_handlers
from backend.frame import Frame
from backend.freezing.endpoints import NOUN as FREEZE
from backend.gauges import LoopCollector
from backend.home.endpoints import NOUN as HOME
from backend.jobs.runner import Runner
from backend.limits import BodyLimit
from backend.models.endpoints import NOUN as MODELS
from backend.nouns import Noun
from backend.outside import Outside
from backend.outside.front_door import HttpFrontDoor
from backend.outside.guard import HttpGuard
from backend.outside.label_studio import SdkLabelStudio
from backend.outside.ml_backend import HttpMlBackend
from backend.pages import STATIC, render_error
from backend.people.endpoints import NOUN as PEOPLE
from backend.projects.endpoints import NOUN as PROJECTS
from backend.proposals.endpoints import NOUN as PROPOSALS
from backend.ranking.endpoints import NOUN as RANKING
from backend.readings.endpoints import NOUN as READINGS
from backend.readings.jobs import ledger_jobs
from backend.resources import Resources
from backend.rounds.endpoints import NOUN as ROUNDS
from backend.rounds.gauges import RoundsCollector
from backend.sessions.endpoints import NOUN as SESSIONS
from backend.settings import Settings
from backend.studies.endpoints import NOUN as STUDIES
from backend.worklists.endpoints import NOUN as WORKLISTS

NOUNS: tuple[Noun, ...] = (
    HOME,
    PEOPLE,
    PROJECTS,
    SESSIONS,
    STUDIES,
    PROPOSALS,
    CALIBRATIONS,
    WORKLISTS,
    READINGS,
    RANKING,
    COMPARISONS,
    CORRECTIONS,
    ADJUDICATIONS,
    AGREEMENT,
    CONSENSUS,
    FREEZE,
    BALANCE,
    ROUNDS,
    MODELS,
    AUDIT,
    CANARY,
)
"""Every noun. A new one adds its folder, its migration and its line here."""


def outside_of(settings: Settings) -> Outside:
    """The other services, over HTTP."""
    return Outside(
        guard=HttpGuard(settings.label_studio_url, settings.guard_secret.get_secret_value()),
        label_studio=SdkLabelStudio(settings.label_studio_url, settings.service_token.get_secret_value()),
        ml_backend=HttpMlBackend(settings.ml_url, settings.ml_password.get_secret_value()),
        front_door=HttpFrontDoor(settings.label_studio_url),
    )


def create_app(
    settings: Settings, *, resources: Resources | None = None, nouns: Sequence[Noun] = NOUNS
) -> FastAPI:
    """The application.

    Args:
        settings: What the process was told.
        resources: Given by tests; made from the settings otherwise.
        nouns: The folders that take part.
    """
    made = resources or Resources(settings, Database(settings.database_url), outside_of(settings))
    interpreters = {kind: read for noun in nouns for kind, read in noun.interpreters.items()}
    jobs = [job for noun in nouns for job in noun.jobs]
    led = [job for job in [*jobs, *ledger_jobs(interpreters)] if settings.leads(job.name)]
    runner = Runner(made, led)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if settings.run_jobs:
            await run_in_threadpool(runner.start)
        yield
        if settings.run_jobs:
            await run_in_threadpool(runner.stop)
        made.database.dispose()

    # The interactive documentation would load its scripts from another host.
    app = FastAPI(
        title="DiscLoop",
        version="0.1.0",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=DOCUMENTED,
    )
    app.state.resources = made
    app.state.runner = runner
    app.state.nouns = tuple(nouns)
    app.state.registry = CollectorRegistry()
    app.state.registry.register(LoopCollector(made))
    app.state.registry.register(RoundsCollector(made))
    app.add_middleware(BodyLimit)
    app.add_middleware(AccessLog, resources=made)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=_hosts(settings))
    app.add_middleware(Frame, registry=app.state.registry)
    install_error_handlers(app, render_error)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.include_router(health.router)
    for noun in nouns:
        for router in noun.routers:
            app.include_router(router)
    return app


def _hosts(settings: Settings) -> list[str]:
    """Only these names in `Host`: another site that resolves to us gets nothing."""
    public = urlsplit(settings.public_url).hostname or "localhost"
    return [public, "localhost", "127.0.0.1", "[::1]"]
