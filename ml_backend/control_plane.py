"""What the backend asks: proposals for units of the store, and which model serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from domain.errors import DiscLoopError
from domain.findings import Proposal
from domain.manifest import STORE_PATH
from domain.taxonomy import Plane
from ml_backend.slot import InService, ModelSlot, OlderGeneration
from ml_backend.store import SliceStore
from ml_backend.telemetry import Telemetry
from ml_backend.weights import BUNDLED, DESCRIPTION
from ml_backend.workbench import Outcome, Workbench

NO_AXIAL_MODEL = "no model for axial slices: nothing is proposed"
FIRST_MODEL = "bundled"
"""`path` of the model that the process starts with: what a rollback to the first champion names."""
Answer = dict[str, Any]
StorePath = Annotated[str, Field(pattern=STORE_PATH, max_length=300)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Unit(_Strict):
    unit: Annotated[str, Field(min_length=1, max_length=100)]
    plane: Plane
    midline: Annotated[int, Field(ge=0)]
    slices: Annotated[list[StorePath], Field(min_length=1, max_length=1000)]
    spacing: float | None = Field(default=None, gt=0)


class ProposalsRequest(_Strict):
    units: Annotated[list[Unit], Field(max_length=10_000)]


class GenerationRequest(_Strict):
    generation: Annotated[int, Field(ge=1)]
    version: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]


class ControlPlaneRoutes:
    """Proposals and generations."""

    def __init__(
        self, slot: ModelSlot, store: SliceStore, workbench: Workbench, telemetry: Telemetry, weights: Path
    ) -> None:
        self._slot, self._store, self._workbench = slot, store, workbench
        self._telemetry, self._weights = telemetry, weights

    def router(self) -> APIRouter:
        """The routes, all of which need the password."""
        router = APIRouter(tags=["control plane"])
        router.add_api_route("/proposals", self.proposals, methods=["POST"])
        router.add_api_route("/model", self.model, methods=["GET"])
        router.add_api_route("/generation", self.generation, methods=["POST"])
        return router

    async def proposals(self, request: ProposalsRequest) -> Answer:
        """A proposal for each unit, decided on its midline slice; an axial unit gets an empty one."""
        serving = self._slot.current.model
        sagittal = [unit for unit in request.units if unit.plane is Plane.SAGITTAL]
        outcomes = iter(await self._workbench.propose(serving, [self._reader(unit) for unit in sagittal]))
        answers: dict[str, Any] = {}
        for unit in request.units:
            if unit.plane is Plane.SAGITTAL:
                answers[unit.unit] = _answer(unit, next(outcomes))
            else:
                empty = Proposal(model=serving.version, uncertainty=1.0, warnings=(NO_AXIAL_MODEL,))
                answers[unit.unit] = empty.model_dump(mode="json")
        return {"model": serving.version, "proposals": answers}

    async def model(self) -> Answer:
        """The model in service."""
        return _describe(self._slot.current)

    async def generation(self, request: GenerationRequest) -> Answer:
        """Load a promoted model and let it serve; requests under way end with the old one."""
        folder = self._folder(request.path)
        try:
            serving = await run_in_threadpool(
                self._slot.load, folder, generation=request.generation, expected_sha256=request.sha256
            )
        except OlderGeneration as error:
            raise HTTPException(409, str(error)) from error
        except DiscLoopError as error:
            raise HTTPException(422, str(error)) from error
        self._telemetry.serves(serving.model.version, serving.generation)
        return _describe(serving)

    def _folder(self, path: str) -> Path:
        if path != FIRST_MODEL:
            return self._weights / path
        return self._weights if (self._weights / DESCRIPTION).is_file() else BUNDLED

    def _reader(self, unit: Unit) -> Any:
        def read() -> Any:
            if unit.midline >= len(unit.slices):
                raise DiscLoopError(f"midline {unit.midline} is not one of {len(unit.slices)} slices")
            return self._store.read(unit.slices[unit.midline])

        return read


def _answer(unit: Unit, outcome: Outcome) -> Answer:
    if isinstance(outcome, DiscLoopError):
        return {"error": str(outcome)}
    proposal, _ = outcome
    moved = {
        name: tuple(item.model_copy(update={"slice": unit.midline}) for item in getattr(proposal, name))
        for name in ("discs", "herniations", "hiz")
    }
    return proposal.model_copy(update=moved).model_dump(mode="json")


def _describe(serving: InService) -> Answer:
    description = serving.model.description
    return {"version": description.version, "generation": serving.generation, "sha256": description.sha256}
