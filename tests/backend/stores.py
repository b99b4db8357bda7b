"""A store as curation leaves it: invented studies, one-pixel slices (the backend never decodes them)."""

from __future__ import annotations

from pathlib import Path

from domain.manifest import Series, Slice, Study
from domain.taxonomy import Plane, Split

GREY_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63680000008200"
    "81dd436af40000000049454e44ae426082"
)
SIZE = 384
SLICES = 5


def a_study(
    number: int, *, split: Split = Split.TRAIN, axial: bool = True, patient: str | None = None
) -> Study:
    """Study `number` of patient `number`, sagittal and (mostly) axial."""
    name = f"study-{number:04d}"
    planes = [Plane.SAGITTAL, Plane.AXIAL] if axial else [Plane.SAGITTAL]
    return Study(
        patient=patient or f"patient-{number:04d}",
        study=name,
        split=split,
        series=tuple(_series(name, plane) for plane in planes),
        digest=f"{number:064x}",
    )


def _series(study: str, plane: Plane) -> Series:
    folder = f"studies/{study}/{plane.value}"
    row = (1.0, 0.0, 0.0, 0.0)
    return Series(
        plane=plane,
        slices=tuple(
            Slice(
                path=f"{folder}/{n:03d}.png",
                width=SIZE,
                height=SIZE,
                position=float(n),
                to_patient=(row, row, row),
            )
            for n in range(SLICES)
        ),
        midline=SLICES // 2,
        spacing=0.7,
        window=(0.0, 1000.0),
    )


def write_store(store: Path, *studies: Study) -> None:
    """Slices and `manifest.jsonl`."""
    for study in studies:
        for series in study.series:
            for one in series.slices:
                path = store / one.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(GREY_PIXEL)
    (store / "manifest.jsonl").write_text("".join(f"{study.model_dump_json()}\n" for study in studies))
