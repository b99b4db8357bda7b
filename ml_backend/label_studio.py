"""Label Studio's ML backend protocol: health, setup, predict, webhook.

Mounted twice: at the root it proposes; under `/reading`, where the readers' projects are attached, it answers
nothing but the smart box, so that no reader is shown more than their arm (DESIGN.md, decision 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from domain.errors import DiscLoopError
from domain.findings import Proposal
from domain.taxonomy import Arm, Plane
from labeling_configs.codec import SliceSize, encode
from ml_backend.samples import GreyImage
from ml_backend.slot import ModelSlot
from ml_backend.smart_box import snap
from ml_backend.store import SliceStore
from ml_backend.workbench import Outcome, Workbench

Answer = dict[str, Any]


class _Lenient(BaseModel):
    """Label Studio sends more than we need, another version perhaps more still."""

    model_config = ConfigDict(extra="ignore")


class TaskData(_Lenient):
    slices: list[str] = []
    image: str | None = None
    open: int = Field(default=0, ge=0)


class Task(_Lenient):
    data: TaskData = TaskData()


class Context(_Lenient):
    result: list[dict[str, Any]] = []


class Params(_Lenient):
    context: Context | None = None


class PredictRequest(_Lenient):
    tasks: list[Task] = []
    params: Params | None = None

    @property
    def drawn(self) -> list[dict[str, Any]]:
        """What the reader has just drawn with a smart tool."""
        return self.params.context.result if self.params and self.params.context else []


class LabelStudioRoutes:
    """The protocol's answers, from the model in service."""

    def __init__(self, slot: ModelSlot, store: SliceStore, workbench: Workbench) -> None:
        self._slot, self._store, self._workbench = slot, store, workbench

    def router(self, *, reading: bool) -> APIRouter:
        """The protocol's routes that need the password."""
        router = APIRouter(tags=["Label Studio, readers" if reading else "Label Studio"])
        prefix = "/reading" if reading else ""
        router.add_api_route(f"{prefix}/setup", self.setup, methods=["POST"])
        router.add_api_route(f"{prefix}/webhook", self.webhook, methods=["POST"])
        predict = self.predict_for_reader if reading else self.predict
        router.add_api_route(f"{prefix}/predict", predict, methods=["POST"])
        return router

    async def setup(self) -> Answer:
        """The body is not read: it holds the token of the project's creator, which is not ours to have."""
        return {"model_version": self._slot.current.model.version}

    async def webhook(self) -> Answer:
        """Nothing follows from a webhook: readings leave by the outbox, training is a round."""
        return {"status": "ok"}

    async def predict(self, request: PredictRequest) -> Answer:
        """Proposals for one task or thousands, in their order."""
        if request.drawn:
            return await self.predict_for_reader(request)
        model = self._slot.current.model
        outcomes = await self._workbench.propose(model, [self._reader(task) for task in request.tasks])
        pairs = zip(request.tasks, outcomes, strict=True)
        return {"results": [_prediction(task, outcome, model.version) for task, outcome in pairs]}

    async def predict_for_reader(self, request: PredictRequest) -> Answer:
        """Nothing for every task; for a box just drawn, the disc it is on.

        An unaided reader's box comes back as drawn: an empty answer would take it away.
        """
        model = self._slot.current.model
        results: list[Answer] = [{"result": [], "model_version": model.version} for _ in request.tasks]
        if request.drawn and request.tasks:
            task = request.tasks[0]
            if all(self._store.may_move_boxes(address) for address in task.data.slices):
                results[0]["result"] = await self._workbench.run(
                    lambda: snap(model, request.drawn, lambda number: self._read(task, number))
                )
            else:
                results[0]["result"] = request.drawn
        return {"results": results}

    def _reader(self, task: Task) -> Any:
        return lambda: self._read(task, task.data.open)

    def _read(self, task: Task, number: int) -> GreyImage:
        addresses = task.data.slices or ([task.data.image] if task.data.image else [])
        if not addresses:
            raise DiscLoopError("the task names no slices")
        if number >= len(addresses):
            raise DiscLoopError(f"the task has {len(addresses)} slices, slice {number} was asked for")
        return self._store.read(self._store.path_of_address(addresses[number]))


def _prediction(task: Task, outcome: Outcome, version: str) -> Answer:
    if isinstance(outcome, DiscLoopError):
        return {"result": [], "score": 0.0, "model_version": version, "error": str(outcome)}
    proposal, size = outcome
    return {
        "result": _regions(task, proposal, size),
        "score": round(1 - proposal.uncertainty, 4),
        "model_version": version,
    }


def _regions(task: Task, proposal: Proposal, size: tuple[int, int]) -> Sequence[Answer]:
    """Regions on the slice that was looked at, which is the one the task opens on."""
    opened = task.data.open
    moved = proposal.model_copy(
        update={
            name: tuple(item.model_copy(update={"slice": opened}) for item in getattr(proposal, name))
            for name in ("discs", "herniations", "hiz")
        }
    )
    sizes = [SliceSize(*size)] * max(1, len(task.data.slices))
    return encode(moved, arm=Arm.FULL, plane=Plane.SAGITTAL, slices=sizes)
