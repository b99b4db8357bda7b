"""Labels beside a store, one JSON line a study: the backend writes them for export, an import brings them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data_curation.store import write_text
from domain.errors import DiscLoopError
from domain.findings import Findings, Grade
from domain.manifest import PSEUDONYM
from domain.taxonomy import Arm, Level

SCHEMA = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Provenance(_Frozen):
    """Whose word a label is."""

    source: Literal["agreed", "adjudicated", "reader", "imported"]
    by: str | None = Field(default=None, pattern=r"^[A-Za-z0-9 _.:-]{1,60}$")
    """A reader's id, or the data set's name. Never a person's name."""
    arm: Arm | None = None
    """What the readers were shown."""
    soft: dict[int, tuple[float, float, float, float, float]] = {}
    """Distribution over grades 1 to 5 by disc index, where more than one read."""


class LabelledUnit(_Frozen):
    """One plane of a study."""

    findings: Findings
    provenance: Provenance


class UnlocatedDisc(_Frozen):
    """What is said of a disc without a box: some data sets tell which disc, not where."""

    index: Annotated[int, Field(ge=1)]
    """1 is the lowest."""
    level: Level | None = None
    pfirrmann: Grade | None = None
    herniation: bool | None = None


class LabelledStudy(_Frozen):
    schema_version: int = Field(default=SCHEMA, ge=SCHEMA, le=SCHEMA)
    patient: str = Field(pattern=PSEUDONYM)
    study: str = Field(pattern=PSEUDONYM)
    units: tuple[LabelledUnit, ...] = ()
    unlocated: tuple[UnlocatedDisc, ...] = ()


def read_labels(path: Path) -> Iterator[LabelledStudy]:
    """Read labels.

    Raises:
        DiscLoopError: Naming the file, the line and the field.
    """
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _parsed(line, f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise DiscLoopError(f"{path}: expected labels as JSON lines, got {type(error).__name__}") from error


def _parsed(line: str, where: str) -> LabelledStudy:
    try:
        return LabelledStudy.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "line"
        raise DiscLoopError(f"{where}: {field}: {first['msg']}") from error


def write_labels(path: Path, studies: Iterable[LabelledStudy]) -> None:
    """Write labels, all or nothing."""
    write_text(path, "".join(study.model_dump_json() + "\n" for study in studies))
