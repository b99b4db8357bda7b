"""What people do with rounds: plan, approve, start, cancel, promote, roll back."""

from __future__ import annotations

import json
import secrets
from typing import Any

from sqlmodel import Session

from backend.access import Actor
from backend.audit import service as audit
from backend.clock import Clock
from backend.errors import Conflict, NotFound
from backend.models import repository as models
from backend.models import service as model_service
from backend.models.tables import ModelVersion
from backend.resources import Resources
from backend.rounds import dataset, repository
from backend.rounds.folders import RoundFolder, read_weights, write_whole
from backend.rounds.schemas import RoundDetail, RoundOut
from backend.rounds.tables import Round
from backend.settings import Settings
from domain.policy import Policy
from domain.rounds import RUNNING, RoundEvent, RoundState, WrongMoment
from domain.snapshots import Snapshot
from domain.taxonomy import Split


def folder_of(settings: Settings, round_id: str) -> RoundFolder:
    """Where a round keeps its files."""
    return RoundFolder(settings.rounds / round_id)


def plan(session: Session, *, policy: Policy, why: str, by: Actor | None, clock: Clock) -> Round:
    """Plan a round from the consensus there is.

    Raises:
        Conflict: If a planned round waits for approval already, or there is nothing to train on.
    """
    waiting = [one for one in repository.open_rounds(session) if one.state is RoundState.PLANNED]
    if waiting:
        raise Conflict(f"round {waiting[0].id} waits for approval; approve or cancel it first")
    if not dataset.can_train(dataset.collect(session, seed=0).items):
        raise Conflict("there is no consensus on a train patient's graded disc yet")
    made = Round(
        id=f"r-{secrets.token_hex(4)}",
        state=RoundState.PLANNED,
        why=why,
        seed=secrets.randbelow(2**31),
        policy=policy.model_dump_json(),
        planned_at=clock(),
        planned_by=by.id if by else audit.SYSTEM,
    )
    session.add(made)
    session.flush()
    audit.record(session, "round.planned", subject=made.id, by=by, clock=clock, why=why)
    return made


def approve(resources: Resources, round_id: str, *, by: Actor) -> None:
    """Approve a planned round: its snapshot is frozen now, and hashed.

    Raises:
        WrongMoment: If it is not planned.
        Conflict: If there is nothing to train on any more, or somebody else approved it meanwhile.
    """
    with resources.database.reading() as session:
        row = repository.get(session, round_id)
        if row.state is not RoundState.PLANNED:
            raise WrongMoment(f"round {round_id} is {row.state.value}; only a planned round is approved")
        snapshot = dataset.collect(session, seed=row.seed)
    if not dataset.can_train(snapshot.items):
        raise Conflict("there is no consensus on a train patient's graded disc")
    write_whole(folder_of(resources.settings, round_id).snapshot_file, snapshot.text())
    with resources.database.writing() as session:
        row = repository.get(session, round_id)
        repository.move(
            session,
            row,
            RoundEvent.APPROVE,
            approved_at=resources.clock(),
            approved_by=by.id,
            snapshot=snapshot.sha256,
            test_set=dataset.test_set(snapshot.items),
            summary=dataset.summarise(snapshot).model_dump_json(),
        )
        audit.record(
            session,
            "round.approved",
            subject=round_id,
            by=by,
            clock=resources.clock,
            snapshot=snapshot.sha256,
        )


def start(resources: Resources, session: Session, round_id: str, *, by: Actor) -> None:
    """Queue an approved round (or a failed one again, from its last checkpoint).

    Raises:
        WrongMoment: If it is neither approved nor failed.
        Conflict: If the test set has been looked at too often (a round in the queue before it will look as
            well), or no model is known to start from.
    """
    row = repository.get(session, round_id)
    policy = Policy.model_validate_json(row.policy)
    used = repository.looks(session, row.test_set or "") + repository.looks_to_come(session, row)
    if used >= policy.gate.looks:
        raise Conflict(
            f"the test patients have been looked at {used} times, {policy.gate.looks} are allowed; "
            "add fresh test patients"
        )
    champion = models.current(session)
    if champion is None:
        raise Conflict("no model is known to start from: the ML backend has not answered yet")
    first_start = row.champion is None
    trained_on = _trained_on(resources.settings, session, row, champion.version)
    repository.move(
        session,
        row,
        RoundEvent.ENQUEUE,
        queued_at=resources.clock(),
        champion=champion.version if first_start else row.champion,
        trained_on=trained_on if first_start else row.trained_on,
        error=None,
        ended_at=None,
        stalled=0,
        cancel_by=None,
    )
    audit.record(session, "round.started", subject=round_id, by=by, clock=resources.clock)


def _trained_on(settings: Settings, session: Session, row: Round, champion: str) -> str:
    """Patients of this snapshot's train and val, and of every round the champion descends from."""
    snapshot = Snapshot.read(folder_of(settings, row.id).snapshot_file.read_text(encoding="utf-8"))
    found = snapshot.patients(Split.TRAIN, Split.VAL)
    parent = repository.of_challenger(session, champion)
    if parent is not None and parent.trained_on:
        found |= set(json.loads(parent.trained_on))
    return json.dumps(sorted(found))


def cancel(session: Session, round_id: str, *, by: Actor, clock: Clock) -> None:
    """Cancel a round; one that runs is stopped by its scheduler within seconds.

    Raises:
        WrongMoment: If it has ended.
    """
    row = repository.get(session, round_id)
    if row.state in RUNNING:
        row.cancel_by = row.cancel_by or by.id
        session.flush()
    else:
        repository.move(session, row, RoundEvent.CANCEL, ended_at=clock())
    audit.record(session, "round.cancelled", subject=round_id, by=by, clock=clock)


def promote(resources: Resources, round_id: str, *, by: Actor) -> None:
    """Let the model of a passed round serve, as the next generation.

    Raises:
        WrongMoment: If the round has not passed.
        Conflict: If another model became champion since, or somebody was quicker.
        WeightsError: If the weights are not those that were judged.
    """
    settings = resources.settings
    with resources.database.reading() as session:
        row = repository.get(session, round_id)
        if row.state is not RoundState.PASSED:
            raise WrongMoment(f"round {round_id} is {row.state.value}; only a passed round is promoted")
        fence = row.fence
    source = folder_of(settings, round_id).weights
    version, sha256 = read_weights(source)
    if (version, sha256) != (row.challenger, row.weights):
        raise Conflict(f"round {round_id}: its weights are not those that were judged")
    folder = model_service.publish(source, settings.weights, version)
    if read_weights(settings.weights / folder) != (version, sha256):
        raise Conflict(f"weights folder {folder} holds other weights than round {round_id}")
    with resources.database.writing() as session:
        row = repository.get(session, round_id)
        champion = models.current(session)
        if champion is None or champion.version != row.champion:
            raise Conflict(f"round {round_id} was judged against {row.champion}, another model serves now")
        repository.move(
            session,
            row,
            RoundEvent.PROMOTE,
            fence=fence,
            promoted_at=resources.clock(),
            promoted_by=by.id,
        )
        model = ModelVersion(
            version=version, sha256=sha256, folder=folder, round=round_id, known_at=resources.clock()
        )
        session.add(model)
        session.flush()
        model_service.advance(session, model, reason="promotion", by=by, clock=resources.clock)
    resources.bell.ring()


def roll_back(session: Session, round_id: str, *, by: Actor, clock: Clock) -> None:
    """Go back to the model before a promoted round's.

    Raises:
        Conflict: If the round's model is not the one that serves.
        WrongMoment: If the round was not promoted.
    """
    row = repository.get(session, round_id)
    champion = models.current(session)
    if row.state is RoundState.PROMOTED and (champion is None or champion.version != row.challenger):
        raise Conflict(f"the model of round {round_id} is not the active one")
    repository.move(session, row, RoundEvent.ROLL_BACK)
    model_service.roll_back(session, by=by, clock=clock)


def out(row: Round) -> RoundOut:
    """A round as it goes out."""
    return RoundOut(**_fields(row))


def detail(settings: Settings, row: Round) -> RoundDetail:
    """A round with its trainer's words."""
    folder = folder_of(settings, row.id)
    name = (
        "training"
        if row.state is RoundState.TRAINING or not folder.log("challenger").exists()
        else "challenger"
    )
    history = folder.history()
    newest = {"progress": history[-1]} if history else {}
    return RoundDetail(**(_fields(row) | newest), history=history, log=folder.said(name))


def _fields(row: Round) -> dict[str, Any]:
    loaded = {
        name: None if value is None else json.loads(value)
        for name, value in (("summary", row.summary), ("progress", row.progress), ("verdict", row.verdict))
    }
    plain = set(RoundOut.model_fields) - loaded.keys() - {"cancelling"}
    return row.model_dump(include=plain) | loaded | {"cancelling": row.cancel_by is not None}


def evidence(settings: Settings, row: Round) -> dict[str, Any]:
    """What the verdict rests on, as it was stored.

    Raises:
        NotFound: If the round was not judged.
    """
    if row.evidence is None:
        raise NotFound(f"round {row.id} was not judged")
    loaded: dict[str, Any] = json.loads(folder_of(settings, row.id).evidence_file.read_text(encoding="utf-8"))
    return loaded
