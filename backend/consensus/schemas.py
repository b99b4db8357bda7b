"""What goes out about consensus."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from domain.consensus import Consensus, Provenance
from domain.taxonomy import Arm, Plane, Split


class ConsensusOut(BaseModel):
    """One unit's label."""

    unit: str
    study: str
    patient: str
    split: Split
    plane: Plane
    arm: Arm
    provenance: Provenance
    made_at: datetime
    consensus: Consensus
