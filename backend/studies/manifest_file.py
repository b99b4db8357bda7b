"""Reading `manifest.jsonl`, with errors that name line and field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from backend.errors import Invalid
from domain.manifest import Study

NAME = "manifest.jsonl"


def read_manifest(store: Path) -> Iterator[tuple[int, Study]]:
    """The studies of a store's manifest with their line numbers, from 1.

    Raises:
        Invalid: If the file is missing or a line is not a study; names file, line and field.
    """
    path = store / NAME
    if not path.is_file():
        raise Invalid(f"{NAME}: the store has none; run `discloop curate DICOM STORE` first")
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _study(number, line)


def _study(number: int, line: bytes) -> Study:
    try:
        return Study.model_validate_json(line)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"]) or "the line"
        reason = problem["msg"].removeprefix("Value error, ")
        raise Invalid(f"{NAME} line {number}, {field}: {reason}") from None


def check_files(store: Path, number: int, study: Study) -> None:
    """Refuse a study whose slices are not all in the store.

    Raises:
        Invalid: Naming line, field and the missing file.
    """
    for position, series in enumerate(study.series):
        paths = [(f"slices.{i}.path", one.path) for i, one in enumerate(series.slices)]
        if series.scout:
            paths.append(("scout", series.scout))
        for field, path in paths:
            if ".." in path.split("/") or not (store / path).is_file():
                raise Invalid(f"{NAME} line {number}, series.{position}.{field}: no file {path} in the store")
