"""The job that carries a round from the queue to its verdict, one short step at a time.

Nothing is remembered here: each step looks at the row, the lock of the process and the files, so whoever
holds the lease goes on where the last one was killed. The process outlives its scheduler; what it finished is
never done again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from backend.audit import service as audit
from backend.jobs.runner import IDLE, Job, JobContext, Outcome
from backend.models import repository as models
from backend.models.tables import ModelVersion
from backend.rounds import repository, service
from backend.rounds.ceiling import ceilings_of
from backend.rounds.dataset import LOCKED
from backend.rounds.executors import INTERRUPTED, Condition, Executor, ExecutorError, Status, Work
from backend.rounds.executors.local import LocalExecutor
from backend.rounds.executors.ray import RayExecutor
from backend.rounds.folders import RoundFolder, WeightsError, read_weights, write_whole
from backend.rounds.tables import Look, Round
from backend.settings import Settings
from domain.errors import DiscLoopError
from domain.evaluation import Evaluation, EvaluationError
from domain.gate import Verdict, judge
from domain.model_figures import GateError
from domain.policy import Policy
from domain.rounds import RoundEvent, RoundState
from domain.snapshots import Snapshot, SnapshotError, digest
from domain.taxonomy import Plane, Split

TRAINING = "training"
MOST_STALLED = 5
"""Restarts without any progress before a round fails visibly."""
GIB = 2**30


class Failure(DiscLoopError):
    """The round cannot go on; the message stands on its page."""


class Scheduler:
    """Carries rounds on. One a process; the lease decides which process's works."""

    def __init__(self, make: Callable[[Settings], Executor]) -> None:
        self._make = make
        self._made: tuple[Settings, Executor] | None = None

    def executor(self, context: JobContext) -> Executor:
        """Made at the first step: only then the settings are known."""
        settings = context.resources.settings
        if self._made is None or self._made[0] is not settings:
            self._made = settings, self._make(settings)
        return self._made[1]

    def step(self, context: JobContext) -> Outcome:
        """The job: one look at the round that is running or next."""
        with context.reading() as session:
            if repository.next_in_line(session) is None:
                return IDLE
        with context.writing() as session:
            lease_s = context.resources.settings.job_lease_s
            row = repository.lease(session, context.holder, context.now, lease_s)
        if row is None:
            return IDLE
        before = row.state
        try:
            self._step(context, row)
        except (Failure, ExecutorError, GateError, EvaluationError, SnapshotError) as error:
            self._end(context, row, RoundEvent.FAIL, error=str(error))
        with context.reading() as session:
            now = repository.get(session, row.id)
        return Outcome(worked=now.state is not before, note=f"round {now.id} is {now.state.value}")

    def _step(self, context: JobContext, row: Round) -> None:
        folder = service.folder_of(context.resources.settings, row.id)
        if row.cancel_by is not None:
            self._cancel(context, row, folder)
        elif row.state is RoundState.QUEUED:
            self._begin(context, row)
        elif row.state is RoundState.TRAINING:
            self._train(context, row, folder)
        elif row.state is RoundState.EVALUATING:
            self._evaluate(context, row, folder)

    def _begin(self, context: JobContext, row: Round) -> None:
        settings = context.resources.settings
        free = shutil.disk_usage(settings.rounds).free / GIB
        if free < settings.rounds_free_gb:
            raise Failure(f"{free:.1f} GiB of disk are free, a round needs {settings.rounds_free_gb:g}")
        missing = self.executor(context).missing()
        if missing is not None:
            raise Failure(missing)
        with context.writing() as session:
            repository.move(session, row, RoundEvent.BEGIN, fence=row.fence, started_at=context.now)

    def _cancel(self, context: JobContext, row: Round, folder: RoundFolder) -> None:
        names = (TRAINING, *self._to_evaluate(context, row, folder))
        executor = self.executor(context)
        running = [n for n in names if executor.status(folder.root, n).condition is Condition.RUNNING]
        for name in running:
            executor.stop(folder.root, name)
        if not running:
            self._end(context, row, RoundEvent.CANCEL)

    def _train(self, context: JobContext, row: Round, folder: RoundFolder) -> None:
        status = self.executor(context).status(folder.root, TRAINING)
        row = self._note_progress(context, row, folder)
        if status.condition is Condition.RUNNING:
            return
        trained = _trained(folder)
        if trained is None:
            self._start_training(context, row, folder, status)
            return
        version, sha256 = trained
        snapshot = _snapshot(folder, row)
        with context.writing() as session:
            repository.move(
                session, row, RoundEvent.TRAINED, fence=row.fence, challenger=version, weights=sha256
            )
            # The look is spent before the first prediction is made.
            if session.get(Look, row.id) is None:
                patients = len(snapshot.patients(*LOCKED))
                look = Look(round=row.id, test_set=row.test_set or "", patients=patients, at=context.now)
                session.add(look)

    def _start_training(self, context: JobContext, row: Round, folder: RoundFolder, status: Status) -> None:
        _refuse_failed(status, folder, TRAINING)
        restarted = folder.log(TRAINING).exists()
        if restarted and row.stalled >= MOST_STALLED:
            raise Failure(f"the trainer was started {MOST_STALLED} times again without any progress")
        settings = context.resources.settings
        if restarted:
            with context.writing() as session:
                repository.note(session, row, row.fence, restarts=row.restarts + 1, stalled=row.stalled + 1)
        work = _work(
            settings,
            _snapshot(folder, row),
            folder,
            settings.train_command,
            weights=_weights_of(context, settings, row.champion or ""),
            out=folder.training,
            resume=restarted,
        )
        self.executor(context).start(folder.root, TRAINING, work)

    def _note_progress(self, context: JobContext, row: Round, folder: RoundFolder) -> Round:
        line = folder.progress()
        text = None if line is None else json.dumps(line, sort_keys=True)
        if text == row.progress:
            return row
        with context.writing() as session:
            return repository.note(session, row, row.fence, progress=text, stalled=0)

    def _to_evaluate(self, context: JobContext, row: Round, folder: RoundFolder) -> dict[str, Path]:
        """Which models are judged, by name, with their folders."""
        if row.challenger is None or row.champion is None:
            return {}
        settings = context.resources.settings
        with context.reading() as session:
            first = models.first(session)
        found = {"challenger": folder.weights, "champion": _weights_of(context, settings, row.champion)}
        if first is not None and first.version != row.champion:
            found["first"] = _weights_of(context, settings, first.version)
        return found

    def _evaluate(self, context: JobContext, row: Round, folder: RoundFolder) -> None:
        found: dict[str, Evaluation] = {}
        snapshot = _snapshot(folder, row)
        if not _has_test_patients(snapshot):
            nobody = Evaluation(model=row.challenger or "", split=Split.TEST.value, items=())
            self._judge(context, row, folder, {"challenger": nobody, "champion": nobody})
            return
        for name, weights in self._to_evaluate(context, row, folder).items():
            evaluation = self._evaluation(context, snapshot, folder, name, weights)
            if evaluation is None:
                return
            found[name] = evaluation
        self._judge(context, row, folder, found)

    def _evaluation(
        self, context: JobContext, snapshot: Snapshot, folder: RoundFolder, name: str, weights: Path
    ) -> Evaluation | None:
        """What a model says of the test patients; `None` while its process runs."""
        executor, settings = self.executor(context), context.resources.settings
        status = executor.status(folder.root, name)
        if status.condition is Condition.RUNNING:
            return None
        path = folder.evaluation(name)
        if path.is_file():
            return Evaluation.read(path.read_text(encoding="utf-8"), name=path.name)
        _refuse_failed(status, folder, name)
        path.parent.mkdir(exist_ok=True)
        work = _work(settings, snapshot, folder, settings.evaluate_command, weights=weights, out=path)
        executor.start(folder.root, name, work)
        return None

    def _judge(
        self, context: JobContext, row: Round, folder: RoundFolder, found: Mapping[str, Evaluation]
    ) -> None:
        policy = Policy.model_validate_json(row.policy).gate
        with context.reading() as session:
            ceilings = ceilings_of(session, found, policy)
        verdict = judge(
            found["champion"],
            found["challenger"],
            trained_on=json.loads(row.trained_on or "[]"),
            policy=policy,
            first=found.get("first"),
            ceilings=ceilings,
        )
        evidence = _evidence(row, found, verdict)
        write_whole(folder.evidence_file, json.dumps(evidence, sort_keys=True, indent=1))
        event = RoundEvent.PASS if verdict.passed else RoundEvent.HOLD
        self._end(context, row, event, verdict=verdict.model_dump_json(), evidence=digest(evidence))

    def _end(self, context: JobContext, row: Round, event: RoundEvent, **values: Any) -> None:
        with context.writing() as session:
            state = repository.move(
                session,
                row,
                event,
                fence=row.fence,
                ended_at=context.now,
                holder=None,
                leased_until=None,
                **values,
            )
            audit.record(
                session, f"round.{state.value}", subject=row.id, by=None, clock=context.resources.clock
            )


def executor_of(settings: Settings) -> Executor:
    """The executor that the settings name."""
    if settings.executor == "ray":
        return RayExecutor(settings)
    return LocalExecutor(gpu_free_gb=settings.rounds_gpu_free_gb)


def _work(
    settings: Settings,
    snapshot: Snapshot,
    folder: RoundFolder,
    template: str,
    *,
    weights: Path,
    out: Path,
    resume: bool = False,
) -> Work:
    return Work(
        template=template,
        reads={"snapshot": folder.snapshot, "store": settings.store, "weights": weights},
        files={"store": sorted({path for item in snapshot.items for path in item.slices})},
        out=out,
        resume=resume,
    )


def _trained(folder: RoundFolder) -> tuple[str, str] | None:
    """Version and hash of the finished challenger; the description is written last, so half is none."""
    if not (folder.weights / "model.json").is_file():
        return None
    try:
        return read_weights(folder.weights)
    except WeightsError as error:
        raise Failure(str(error)) from None


def _snapshot(folder: RoundFolder, row: Round) -> Snapshot:
    snapshot = Snapshot.read(folder.snapshot_file.read_text(encoding="utf-8"))
    if snapshot.sha256 != row.snapshot:
        raise Failure("the snapshot on disk is not the one that was approved")
    return snapshot


def _has_test_patients(snapshot: Snapshot) -> bool:
    return any(item.split is Split.TEST and item.plane is Plane.SAGITTAL for item in snapshot.items)


def _refuse_failed(status: Status, folder: RoundFolder, name: str) -> None:
    """A process that ended by itself with an error will do so again; a killed one may go on."""
    if status.condition is not Condition.ENDED or status.code == INTERRUPTED:
        return
    if status.code is not None and status.code < 0:
        return
    words = folder.said(name).strip().splitlines()
    last = words[-1][:300] if words else "it said nothing"
    if status.code == 0:
        raise Failure(f"{name} ended without its result: {last}")
    raise Failure(f"{name} ended with code {status.code}: {last}")


def _weights_of(context: JobContext, settings: Settings, version: str) -> Path:
    with context.reading() as session:
        model = session.get(ModelVersion, version)
    if model is None or model.folder is None:
        return settings.bundled_weights
    return settings.weights / model.folder


def _evidence(row: Round, found: Mapping[str, Evaluation], verdict: Verdict) -> dict[str, Any]:
    return {
        "round": row.id,
        "snapshot": row.snapshot,
        "test_set": row.test_set,
        "weights": row.weights,
        "evaluations": {name: digest(one.model_dump(mode="json")) for name, one in found.items()},
        "verdict": verdict.model_dump(mode="json"),
    }


ROUNDS_JOB = Job(name="rounds", title="Retraining", every_s=1, run=Scheduler(executor_of).step)
