"""Which weights serve: the first champion, promotions, rollbacks, and every replica brought to the newest."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from sqlmodel import Session

from backend.access import Actor
from backend.audit import service as audit
from backend.clock import Clock
from backend.errors import Conflict, Unavailable
from backend.jobs.runner import Job, JobContext, Outcome
from backend.models import repository
from backend.models.schemas import GenerationOut, ModelsOut, ReplicaOut
from backend.models.tables import Generation, ModelVersion
from backend.outside import ml_backend
from backend.resources import Resources

BUNDLED = "bundled"
"""`path` that stands for the model the ML backend starts with."""


def overview(session: Session) -> ModelsOut:
    """Everything the page shows."""
    rows = [
        GenerationOut(**generation.model_dump(), sha256=model.sha256, round=model.round)
        for generation, model in repository.history(session)
    ]
    return ModelsOut(
        active=rows[0] if rows else None,
        history=rows,
        replicas=[ReplicaOut.model_validate(one) for one in repository.replicas(session)],
    )


def advance(
    session: Session, model: ModelVersion, *, reason: str, by: Actor | None, clock: Clock
) -> Generation:
    """Make a model the one that should serve, as the next generation."""
    held = repository.current(session)
    made = Generation(
        number=0 if held is None else held.number + 1,
        version=model.version,
        reason=reason,
        by=by.id if by else audit.SYSTEM,
        at=clock(),
    )
    session.add(made)
    session.flush()
    audit.record(
        session, f"model.{reason}", subject=model.version, by=by, clock=clock, generation=made.number
    )
    return made


def roll_back(session: Session, *, by: Actor, clock: Clock) -> Generation:
    """Let the model before the active one serve again.

    Raises:
        Conflict: If there is none.
    """
    held = repository.current(session)
    earlier = None if held is None else repository.before(session, held.number, held.version)
    if earlier is None:
        raise Conflict("there is no earlier model to go back to")
    return advance(
        session, session.get_one(ModelVersion, earlier.version), reason="rollback", by=by, clock=clock
    )


def publish(source: Path, weights: Path, version: str) -> str:
    """Copy a model's folder into DISCLOOP_WEIGHTS, whole or not at all; the folder's name there."""
    target = weights / version
    if not target.exists():
        partial = weights / f".{version}-{secrets.token_hex(4)}"
        try:
            shutil.copytree(source, partial)
            os.replace(partial, target)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            if not target.exists():
                raise
    return version


def keep_replicas(context: JobContext) -> Outcome:
    """The job: note what serves, and bring an older replica to the newest generation."""
    resources = context.resources
    served = resources.outside.ml_backend.model()
    with context.reading() as session:
        wanted = repository.current(session)
        model = None if wanted is None else session.get(ModelVersion, wanted.version)
    if wanted is None or model is None:
        _take_first(context, served)
        return Outcome(worked=True, note=f"{served.version} is the first champion")
    worked = False
    if served.version != wanted.version or served.generation < wanted.number:
        served = _swap(resources, wanted, model)
        worked = served.generation >= wanted.number
    with context.writing() as session:
        repository.note_replica(
            session, resources.settings.ml_url, served.version, served.generation, context.now
        )
    if served.version != wanted.version:
        raise Unavailable(
            f"the ML backend serves {served.version}, generation {wanted.number} is {wanted.version}"
        )
    return Outcome(worked=worked, note=f"{served.version}, generation {wanted.number}")


def _take_first(context: JobContext, served: ml_backend.ServedModel) -> None:
    clock = context.resources.clock
    with context.writing() as session:
        if repository.current(session) is None:
            model = ModelVersion(version=served.version, sha256=served.sha256, known_at=clock())
            session.add(model)
            session.flush()
            advance(session, model, reason="first", by=None, clock=clock)


def _swap(resources: Resources, wanted: Generation, model: ModelVersion) -> ml_backend.ServedModel:
    return resources.outside.ml_backend.set_generation(
        ml_backend.Generation(
            generation=wanted.number,
            version=model.version,
            sha256=model.sha256 or "",
            path=model.folder or BUNDLED,
        )
    )


REPLICAS_JOB = Job(name="replicas", title="Model of the ML backend", every_s=3, run=keep_replicas)
