"""The audit trail over HTTP: `/api/audit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from backend.access import Lead
from backend.audit import service
from backend.audit.schemas import AuditEntryOut, Verification
from backend.audit.tables import AuditEntry
from backend.nouns import Noun
from backend.resources import Reading

api = APIRouter(prefix="/api/audit", tags=["audit"])


@api.get("", response_model=list[AuditEntryOut])
def list_entries(
    session: Reading, _actor: Lead, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Sequence[AuditEntry]:
    """The last acts, newest first."""
    return service.newest(session, limit)


@api.get("/verify")
def verify(session: Reading, _actor: Lead) -> Verification:
    """Follow the whole chain of hashes."""
    return service.verify(service.every(session))


NOUN = Noun(name="audit", routers=(api,))
