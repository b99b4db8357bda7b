"""What is true of the phantoms: `truth.json`, and the findings a perfect reader would give."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from data_curation.identity import PseudonymKey
from domain.boxes import Box
from domain.errors import DiscLoopError
from domain.findings import Disc, Findings, Herniation, Hiz, SliceBox
from domain.taxonomy import HerniationType, HizSide, Level, Plane

Point = tuple[float, float, float]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrueLesion(_Frozen):
    """A herniation or high-intensity zone; boxes on every slice of the unit that shows it."""

    index: int
    level: Level
    kind: HerniationType | HizSide
    boxes: tuple[SliceBox, ...]


class TrueDisc(_Frozen):
    index: int
    level: Level
    pfirrmann: int
    centre: Point
    """Patient coordinates, millimetres LPS."""
    midline: int | None = None
    """Sagittal units: the slice nearest to the disc's own middle."""
    boxes: tuple[SliceBox, ...] = ()


class TrueUnit(_Frozen):
    """One plane, its slices in display order."""

    plane: Plane
    series_uid: str
    sop_uids: tuple[str, ...]
    positions: tuple[Point, ...]
    shape: tuple[int, int]
    spacing: float
    midline: int
    discs: tuple[TrueDisc, ...]
    herniations: tuple[TrueLesion, ...] = ()
    hiz: tuple[TrueLesion, ...] = ()

    def findings(self, *, transitional: bool = False) -> Findings:
        """What a perfect reader says of this unit. Axial units carry no grade."""
        graded = self.plane is Plane.SAGITTAL
        return Findings(
            plane=self.plane,
            discs=tuple(
                Disc(
                    boxes=_first(d.boxes, d.midline), level=d.level, pfirrmann=d.pfirrmann if graded else None
                )
                for d in self.discs
                if d.boxes
            ),
            herniations=tuple(
                Herniation(boxes=h.boxes, level=h.level, type=HerniationType(h.kind))
                for h in self.herniations
            ),
            hiz=tuple(Hiz(boxes=h.boxes, level=h.level, side=HizSide(h.kind)) for h in self.hiz),
            # Asked on sagittal pages alone.
            transitional=transitional and graded,
        )


class TrueStudy(_Frozen):
    folder: str
    """Relative to the folder of `truth.json`."""
    study_uid: str
    patient_id: str
    patient_name: str
    age: int
    sex: str
    scanner: str
    transitional: bool
    units: tuple[TrueUnit, ...]
    rejected_series: tuple[str, ...]
    """Series that curation must leave out: T1, localizers."""


class Truth(_Frozen):
    """Everything `discloop phantom` made."""

    seed: int
    studies: tuple[TrueStudy, ...]


def read_truth(path: Path) -> Truth:
    """Read a `truth.json`.

    Raises:
        DiscLoopError: If it is absent or not one.
    """
    try:
        return Truth.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DiscLoopError(f"{path}: expected a truth.json, got {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DiscLoopError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _first(boxes: tuple[SliceBox, ...], midline: int | None) -> tuple[SliceBox, ...]:
    """The box of the slice that is decided on comes first."""
    return tuple(sorted(boxes, key=lambda b: (b.slice != midline, b.slice)))


def slice_box(number: int, box: Box) -> SliceBox:
    """A box on the unit's slice `number`."""
    return SliceBox(slice=number, box=box)


def findings_by_study(truth: Truth, key: PseudonymKey) -> dict[str, dict[Plane, Findings]]:
    """A perfect reader's findings under the pseudonyms that curation with `key` gives the studies."""
    return {
        key.study(study.study_uid): {
            unit.plane: unit.findings(transitional=study.transitional) for unit in study.units
        }
        for study in truth.studies
    }
