"""The audit trail over HTTP: `/api/audit` and the page `/audit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from backend.access import RUNS_THE_LOOP, SEES_THE_LOOP, Engineer, Lead
from backend.audit import certificate, logs, service
from backend.audit.schemas import AuditEntryOut, Certificate, Log, Verification
from backend.audit.tables import AuditEntry
from backend.canary import service as canary
from backend.nouns import Navigation, Noun
from backend.pages import render
from backend.resources import Reading, Using

api = APIRouter(prefix="/api/audit", tags=["audit"])
pages = APIRouter(prefix="/audit", include_in_schema=False)

Limit = Annotated[int, Query(ge=1, le=1000)]


@api.get("", response_model=list[AuditEntryOut])
def list_entries(session: Reading, _actor: Lead, limit: Limit = 100) -> Sequence[AuditEntry]:
    """The last acts, newest first."""
    return service.newest(session, limit)


@api.get("/verify")
def verify(session: Reading, _actor: Lead) -> Verification:
    """Follow the whole chain of hashes."""
    return service.verify(service.every(session))


@api.get("/accesses")
def list_accesses(session: Reading, _actor: Engineer, resources: Using, limit: Limit = 100) -> Log:
    """Who was given labels that are not theirs, newest first."""
    return logs.accesses(session, resources.outside.guard, limit)


@api.get("/denials")
def list_denials(session: Reading, _actor: Engineer, resources: Using, limit: Limit = 100) -> Log:
    """What was refused to whom, newest first."""
    return logs.denials(session, resources.outside.guard, limit)


@api.get("/certificate/{study}")
def certify(study: str, session: Reading, _actor: Lead, resources: Using) -> Certificate:
    """Every access to each reading of a study before both were signed, and what that cannot see."""
    return certificate.certify(session, resources.outside.guard, study, clock=resources.clock)


@pages.get("")
def show(request: Request, session: Reading, actor: Lead, resources: Using) -> HTMLResponse:
    """The chain, the canary, and for engineers both logs."""
    guard, runs = resources.outside.guard, actor.role in RUNS_THE_LOOP
    accesses = logs.accesses(session, guard, 100) if runs else None
    denials = logs.denials(session, guard, 100) if runs else None
    return render(
        request,
        "audit/show.html",
        actor,
        canary=canary.state(session),
        verified=service.verify(service.every(session)),
        accesses=accesses,
        denials=denials,
        may_clear=runs,
    )


@pages.get("/certificate")
def show_certificate(
    request: Request, session: Reading, actor: Lead, resources: Using, study: str = ""
) -> HTMLResponse:
    """One study's certificate, to print."""
    made = certificate.certify(session, resources.outside.guard, study.strip(), clock=resources.clock)
    return render(request, "audit/certificate.html", actor, made=made)


NOUN = Noun(
    name="audit", routers=(api, pages), navigation=Navigation("Audit", "/audit", SEES_THE_LOOP, order=90)
)
