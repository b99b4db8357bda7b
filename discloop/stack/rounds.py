"""How the local stack's backend trains and judges, where that differs from its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import DiscLoopError

PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", help="JSON file of the loop's thresholds.", exists=True, dir_okay=False),
]
EpochsOption = Annotated[int | None, typer.Option("--train-epochs", min=1, help="Epochs of a round.")]

RayOption = Annotated[
    str | None, typer.Option("--ray", help="Jobs API of a Ray cluster that trains: http://HEAD:8265.")
]
RayStorageOption = Annotated[
    str | None,
    typer.Option("--ray-storage", help="Address of fsspec that this machine and the cluster reach."),
]
RayGpusOption = Annotated[float, typer.Option("--ray-gpus", min=0, help="GPUs that a round asks for.")]


@dataclass(frozen=True)
class Rounds:
    policy: Path | None = None
    epochs: int | None = None
    ray: str | None = None
    ray_storage: str | None = None
    ray_gpus: float = 0

    def __post_init__(self) -> None:
        if self.ray and not self.ray_storage:
            raise DiscLoopError(
                "--ray: expected --ray-storage beside it, an address that the cluster reaches"
            )

    def options(self) -> list[str]:
        """As the command line of `discloop up`."""
        policy = ["--policy", str(self.policy)] if self.policy else []
        epochs = ["--train-epochs", str(self.epochs)] if self.epochs else []
        if not self.ray:
            return policy + epochs
        ray = ["--ray", self.ray, "--ray-storage", str(self.ray_storage), "--ray-gpus", f"{self.ray_gpus:g}"]
        return policy + epochs + ray

    def environment(self) -> dict[str, str]:
        """As the backend's environment."""
        told = {"DISCLOOP_POLICY": str(self.policy.resolve())} if self.policy else {}
        options = f" --epochs {self.epochs}" if self.epochs else ""
        options += " --device cuda" if self.ray and self.ray_gpus else ""
        if options:
            told["DISCLOOP_TRAIN_COMMAND"] = (
                "{python} -m ml_backend.train {snapshot} --store {store} --out {out} --from {weights}"
                + options
            )
        if self.ray:
            told |= {
                "DISCLOOP_EXECUTOR": "ray",
                "DISCLOOP_RAY_ADDRESS": self.ray,
                "DISCLOOP_RAY_STORAGE": str(self.ray_storage),
                "DISCLOOP_RAY_GPUS": f"{self.ray_gpus:g}",
            }
        return told


DEFAULT_ROUNDS = Rounds()
