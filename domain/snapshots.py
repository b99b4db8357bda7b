"""The frozen dataset of a round: canonical JSON, named by the hash of its content."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from domain.confusion import SoftGrade
from domain.consensus import Consensus, ConsensusDisc, ConsensusHerniation, ConsensusHiz, Provenance
from domain.errors import DiscLoopError
from domain.manifest import PSEUDONYM, STORE_PATH
from domain.taxonomy import GRADES, Arm, Level, NotGradable, Plane, Reason, Split

SCHEMA: Literal[1] = 1
DISPUTED = frozenset({Reason.CRITERION, Reason.BOUNDARY})
DISPUTE_WEIGHT = 1.5
LEAST_WEIGHT, GREATEST_WEIGHT = 0.5, 3.0

Edges = tuple[float, float, float, float]


class SnapshotError(DiscLoopError):
    """A snapshot that is not what it says it is."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SnapshotDisc(_Frozen):
    """One labelled disc; `index` 1 is the lowest, the box in pixels of slice `slice` of the item."""

    index: int
    level: Level | None
    slice: int
    box: Edges
    pfirrmann: Annotated[int, Field(ge=1, le=5)] | None
    soft: SoftGrade | None
    weight: float = 1.0
    not_gradable: NotGradable | None = None


class SnapshotLesion(_Frozen):
    """One box of a lesion."""

    slice: int
    box: Edges
    level: Level | None


class SnapshotItem(_Frozen):
    """One labelled unit."""

    study: str = Field(pattern=PSEUDONYM)
    patient: str = Field(pattern=PSEUDONYM)
    split: Split
    plane: Plane
    slices: tuple[Annotated[str, Field(pattern=STORE_PATH)], ...] = Field(min_length=1)
    spacing: float
    discs: tuple[SnapshotDisc, ...]
    herniations: tuple[SnapshotLesion, ...]
    hiz: tuple[SnapshotLesion, ...]
    arm: Arm
    provenance: Provenance


class Snapshot(_Frozen):
    """A round's dataset. `sha256` is over the canonical JSON of everything else."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    sha256: str
    seed: int
    items: tuple[SnapshotItem, ...]

    @classmethod
    def freeze(cls, items: Iterable[SnapshotItem], *, seed: int) -> Self:
        """The snapshot of these items, whatever their order."""
        ordered = sorted(items, key=lambda item: (item.patient, item.study, item.plane))
        body = _body(ordered, seed)
        return cls(sha256=digest(body), seed=seed, items=tuple(ordered))

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a snapshot back.

        Raises:
            SnapshotError: If it is malformed or its content does not have the hash it names.
        """
        try:
            snapshot = cls.model_validate_json(text)
        except ValueError as error:
            raise SnapshotError(f"snapshot.json is not a snapshot: {error}") from None
        found = digest(_body(snapshot.items, snapshot.seed))
        if found != snapshot.sha256:
            raise SnapshotError(f"snapshot.json names content {snapshot.sha256[:12]}, it holds {found[:12]}")
        return snapshot

    def text(self) -> str:
        """Its canonical JSON, one line."""
        return canonical({**_body(self.items, self.seed), "sha256": self.sha256})

    def patients(self, *splits: Split) -> set[str]:
        """The patients of these splits."""
        return {item.patient for item in self.items if item.split in splits}


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _body(items: Sequence[SnapshotItem], seed: int) -> dict[str, Any]:
    return {"schema": SCHEMA, "seed": seed, "items": [item.model_dump(mode="json") for item in items]}


def make_item(
    consensus: Consensus,
    *,
    study: str,
    patient: str,
    split: Split,
    slices: Sequence[str],
    spacing: float,
    arm: Arm,
) -> SnapshotItem:
    """A unit's consensus as a training item of weight 1 a disc."""
    return SnapshotItem(
        study=study,
        patient=patient,
        split=split,
        plane=consensus.plane,
        slices=tuple(slices),
        spacing=spacing,
        discs=tuple(_disc(disc) for disc in consensus.discs),
        herniations=tuple(box for lesion in consensus.herniations for box in _lesion(lesion)),
        hiz=tuple(box for lesion in consensus.hiz for box in _lesion(lesion)),
        arm=arm,
        provenance=consensus.provenance,
    )


def _disc(disc: ConsensusDisc) -> SnapshotDisc:
    primary = disc.boxes[0]
    return SnapshotDisc(
        index=disc.index,
        level=disc.level,
        slice=primary.slice,
        box=_edges(primary.box.as_list()),
        pfirrmann=disc.pfirrmann,
        soft=disc.soft,
        weight=DISPUTE_WEIGHT if disc.reason in DISPUTED else 1.0,
        not_gradable=disc.not_gradable,
    )


def _lesion(lesion: ConsensusHerniation | ConsensusHiz) -> list[SnapshotLesion]:
    return [
        SnapshotLesion(slice=b.slice, box=_edges(b.box.as_list()), level=lesion.level) for b in lesion.boxes
    ]


def _edges(edges: list[float]) -> Edges:
    x1, y1, x2, y2 = edges
    return x1, y1, x2, y2


def weigh(items: Sequence[SnapshotItem]) -> list[SnapshotItem]:
    """Weight each training disc by the rarity of its grade, times what a dispute gave it, within bounds.

    The rarity weight is the square root of how many times rarer the grade is than if all were equally
    common, among the training discs: a compromise between ignoring rarity and letting it rule.
    """
    counts = Counter(
        d.pfirrmann for item in items if item.split is Split.TRAIN for d in item.discs if d.pfirrmann
    )
    even = sum(counts.values()) / len(GRADES)

    def weighed(disc: SnapshotDisc, split: Split) -> SnapshotDisc:
        if split is not Split.TRAIN or disc.pfirrmann is None:
            return disc.model_copy(update={"weight": 1.0})
        weight = disc.weight * (even / counts[disc.pfirrmann]) ** 0.5
        return disc.model_copy(update={"weight": round(min(max(weight, LEAST_WEIGHT), GREATEST_WEIGHT), 4)})

    return [
        item.model_copy(update={"discs": tuple(weighed(d, item.split) for d in item.discs)}) for item in items
    ]


class SnapshotDifference(_Frozen):
    """What changed between two snapshots, as `study/plane`."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def difference(older: Snapshot, newer: Snapshot) -> SnapshotDifference:
    """Compare two snapshots by unit; weights do not count as change, labels do."""
    before, after = _by_unit(older), _by_unit(newer)
    return SnapshotDifference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(u for u in before.keys() & after.keys() if before[u] != after[u])),
    )


def _by_unit(snapshot: Snapshot) -> dict[str, SnapshotItem]:
    return {
        f"{item.study}/{item.plane}": item.model_copy(
            update={"discs": tuple(d.model_copy(update={"weight": 1.0}) for d in item.discs)}
        )
        for item in snapshot.items
    }
