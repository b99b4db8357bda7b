"""How the local stack's backend trains and judges, where that differs from its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

PolicyOption = Annotated[
    Path | None,
    typer.Option("--policy", help="JSON file of the loop's thresholds.", exists=True, dir_okay=False),
]
EpochsOption = Annotated[int | None, typer.Option("--train-epochs", min=1, help="Epochs of a round.")]


@dataclass(frozen=True)
class Rounds:
    policy: Path | None = None
    epochs: int | None = None

    def options(self) -> list[str]:
        """As the command line of `discloop up`."""
        policy = ["--policy", str(self.policy)] if self.policy else []
        return policy + (["--train-epochs", str(self.epochs)] if self.epochs else [])

    def environment(self) -> dict[str, str]:
        """As the backend's environment."""
        told = {"DISCLOOP_POLICY": str(self.policy.resolve())} if self.policy else {}
        if self.epochs:
            told["DISCLOOP_TRAIN_COMMAND"] = (
                "{python} -m ml_backend.train {snapshot} --store {store} --out {out} --from {weights} "
                f"--epochs {self.epochs}"
            )
        return told


DEFAULT_ROUNDS = Rounds()
