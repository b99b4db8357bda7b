"""How a played round trains and is judged: a few epochs, thresholds that a dozen phantoms can meet."""

from __future__ import annotations

from discloop.atomic import write_text
from discloop.home import Home
from discloop.stack.rounds import Rounds
from domain.policy import GatePolicy, Policy

EPOCHS = 3
POLICY = Policy(
    gate=GatePolicy(
        margins={"grade 1": 0.5, "grade 2": 0.5, "grade 4": 0.5},
        minimum_positives=1,
        minimum_patients=1,
        calibration_margin=0.2,
        least_gain=-0.5,
    )
)
"""The real thresholds hold every round that is judged on a handful of test patients, and rightly so. These
let nearly anything pass, so that a promotion can be watched: they are for phantoms only."""


def rounds_of_play(home: Home) -> Rounds:
    """Write the policy into the home, where everybody can read it."""
    file = home.root / "policy-of-the-play.json"
    write_text(file, POLICY.model_dump_json(indent=1) + "\n")
    return Rounds(policy=file, epochs=EPOCHS)
