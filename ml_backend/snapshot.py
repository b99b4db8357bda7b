"""A round's frozen data set: `snapshot.json` and the store's slices, as labelled slices by split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import DiscLoopError
from domain.manifest import STORE_PATH
from domain.taxonomy import Level, Plane, Split
from ml_backend.folds import shared_patients
from ml_backend.samples import BoxArray, LabelledSlice, Origin
from ml_backend.store import SliceStore

FILE = "snapshot.json"
Edges = Annotated[list[float], Field(min_length=4, max_length=4)]
Grade = Annotated[int, Field(ge=1, le=5)]
StorePath = Annotated[str, Field(pattern=STORE_PATH)]


class _Open(BaseModel):
    """The backend may say more of an item than training needs."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class SnapshotDisc(_Open):
    index: Annotated[int, Field(ge=1)]
    level: Level | None = None
    slice: Annotated[int, Field(ge=0)] = 0
    box: Edges
    pfirrmann: Grade | None = None
    soft: Annotated[list[float], Field(min_length=5, max_length=5)] | None = None
    weight: Annotated[float, Field(ge=0)] = 1.0
    not_gradable: str | None = None


class SnapshotLesion(_Open):
    slice: Annotated[int, Field(ge=0)] = 0
    box: Edges
    level: Level | None = None


class SnapshotItem(_Open):
    study: str
    patient: str
    split: Split
    plane: Plane
    slices: Annotated[list[StorePath], Field(min_length=1)]
    spacing: float | None = None
    discs: list[SnapshotDisc] = []
    herniations: list[SnapshotLesion] = []
    hiz: list[SnapshotLesion] = []


class Snapshot(_Open):
    schema_version: int = Field(alias="schema", ge=1, le=1)
    sha256: str = ""
    seed: int = 0
    items: list[SnapshotItem]


def read_snapshot(folder: Path) -> Snapshot:
    """Read and check `snapshot.json`.

    Raises:
        DiscLoopError: Not as it should be, or a patient is in two splits; names the file and the field.
    """
    path = folder / FILE
    try:
        snapshot = Snapshot.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DiscLoopError(f"expected a snapshot in {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DiscLoopError(
            f"{path}, {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        ) from error
    by_split: dict[str, list[str]] = {}
    for item in snapshot.items:
        by_split.setdefault(item.split.value, []).append(item.patient)
    shared = shared_patients(by_split)
    if shared:
        patient, splits = next(iter(sorted(shared.items())))
        raise DiscLoopError(
            f"{path}: patient {patient} is in the splits {' and '.join(splits)}; {len(shared)} such in all"
        )
    return snapshot


def labelled_slices(items: Sequence[SnapshotItem], store: Path) -> Iterator[LabelledSlice]:
    """The slices of sagittal studies on which discs were decided.

    One labelled slice for each slice of a study that some disc was decided on. It has all discs of the study,
    those decided elsewhere at their box there, but ungraded: in a sagittal stack a disc hardly moves.

    Raises:
        DiscLoopError: A slice cannot be read, or a box's slice is not there.
    """
    reader = SliceStore(store, store)
    for item in items:
        if item.plane is not Plane.SAGITTAL or not item.discs:
            continue
        discs = sorted(item.discs, key=lambda disc: -(disc.box[1] + disc.box[3]))
        for number in sorted({disc.slice for disc in discs}):
            if number >= len(item.slices):
                raise DiscLoopError(f"study {item.study}: a box is on slice {number} of {len(item.slices)}")
            yield _labelled(item, discs, number, reader)


def _labelled(
    item: SnapshotItem, discs: Sequence[SnapshotDisc], number: int, reader: SliceStore
) -> LabelledSlice:
    boxes = np.array([disc.box for disc in discs], np.float32)
    here = np.array([disc.slice == number for disc in discs])
    herniated = herniated_discs(boxes, [lesion.box for lesion in item.herniations])
    return LabelledSlice(
        patient=item.patient,
        name=f"{item.study}/{number}",
        image=reader.read(item.slices[number]),
        origin=Origin.SNAPSHOT,
        boxes=boxes,
        grades=np.array(
            [
                _grade(disc, soft=item.split is Split.TRAIN) if own else [np.nan] * 5
                for disc, own in zip(discs, here, strict=True)
            ]
        ).astype(np.float32),
        herniated=np.where(here, herniated, np.nan).astype(np.float32),
        weights=np.array([disc.weight for disc in discs], np.float32),
    )


def herniated_discs(boxes: BoxArray, lesions: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
    """1 for each disc that a herniation lies at, else 0: readers mark what is there and nothing else.

    A lesion belongs to the disc whose middle is nearest in height, if their boxes touch when grown by half
    the disc's height.
    """
    flags = np.zeros(len(boxes), np.float32)
    for lesion in lesions:
        middle = (lesion[1] + lesion[3]) / 2
        nearest = int(np.argmin(np.abs((boxes[:, 1] + boxes[:, 3]) / 2 - middle)))
        x1, y1, x2, y2 = (float(edge) for edge in boxes[nearest])
        room = (y2 - y1) / 2
        if (
            lesion[0] < x2 + 2 * room
            and lesion[2] > x1 - room
            and lesion[1] < y2 + room
            and lesion[3] > y1 - room
        ):
            flags[nearest] = 1
    return flags


def _grade(disc: SnapshotDisc, *, soft: bool) -> list[Any]:
    """What the disc teaches; with `soft` the readers' doubt, else the decided grade: no metric sees doubt."""
    if disc.not_gradable is not None or (disc.pfirrmann is None and disc.soft is None):
        return [np.nan] * 5
    if disc.soft is not None and sum(disc.soft) > 0 and (soft or disc.pfirrmann is None):
        return [p / sum(disc.soft) for p in disc.soft]
    return [float(disc.pfirrmann == grade) for grade in range(1, 6)]
