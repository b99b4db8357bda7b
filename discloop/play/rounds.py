"""How a played round trains and is judged: a few epochs, thresholds that a dozen phantoms can meet."""

from __future__ import annotations

from discloop.atomic import write_text
from discloop.home import Home
from discloop.stack.rounds import Rounds
from domain.policy import GatePolicy, Policy

EPOCHS = 3
MARGIN = 0.3
POLICY = Policy(
    gate=GatePolicy(
        margins={f"grade {grade}": MARGIN for grade in range(1, 6)}, minimum_positives=1, minimum_patients=1
    )
)
"""The real thresholds hold every round that is judged on a handful of test patients, and rightly so: these
let the gate be seen at work. Never read images with them."""


def rounds_of_play(home: Home) -> Rounds:
    """Write the policy into the home, where everybody can read it."""
    file = home.root / "policy-of-the-play.json"
    write_text(file, POLICY.model_dump_json(indent=1) + "\n")
    return Rounds(policy=file, epochs=EPOCHS)
