"""Studies of invented spines as DICOM folders, and the truth about them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import generate_uid

from data_curation.phantom.anatomy import DiscBody, Herniation, Spine, invent_spine
from data_curation.phantom.canvas import Grain
from data_curation.phantom.headers import SCANNERS, Identity, Scanner, invent_identity
from data_curation.phantom.rendering import (
    Rendered,
    SlicePlane,
    axial_planes,
    invent_looks,
    render,
    sagittal_planes,
)
from data_curation.phantom.truth import TrueDisc, TrueLesion, TrueStudy, TrueUnit, Truth, slice_box
from data_curation.synthesis import WrittenSeries, write_series
from domain.errors import DiscLoopError
from domain.taxonomy import Plane

SAGITTAL_SLICES = 13
AXIAL_SLICES = 20
AXIAL_MATRIX = 288
AXIAL_SPACING = 0.694444


def make_phantoms(
    out: Path,
    *,
    studies: int,
    seed: int,
    mix: tuple[float, ...] | None = None,
    workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> Truth:
    """Write studies under `out`, and `out/truth.json` when all are there.

    The same seed makes the same studies, whatever the number of workers.

    Args:
        out: Folder; must be absent or empty.
        studies: How many.
        seed: Of all chance.
        mix: Share of Pfirrmann grades 1 to 5; by age and level if absent.
        workers: Processes.
        progress: Told the number of finished studies.

    Raises:
        DiscLoopError: If `out` holds something, or a number is out of range.
    """
    if studies < 1:
        raise DiscLoopError(f"--studies: expected 1 or more, got {studies}")
    if mix is not None and (len(mix) != 5 or min(mix) < 0 or sum(mix) <= 0):
        raise DiscLoopError(f"--mix: expected five shares for grades 1 to 5, got {mix}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DiscLoopError(f"{out}: expected an empty or absent folder, found something in it")
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        made = []
        for study in _made(unfinished, range(studies), seed, mix, workers):
            made.append(study)
            progress(len(made))
        truth = Truth(seed=seed, studies=tuple(made))
        (unfinished / "truth.json").write_text(json.dumps(truth.model_dump(mode="json"), ensure_ascii=False))
        if out.exists():
            out.rmdir()
        os.replace(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return truth


def _made(
    out: Path, numbers: Sequence[int], seed: int, mix: tuple[float, ...] | None, workers: int
) -> Iterator[TrueStudy]:
    if workers <= 1:
        yield from (make_study(out, number, seed, mix) for number in numbers)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        count = len(numbers)
        yield from pool.map(make_study, [out] * count, numbers, [seed] * count, [mix] * count)


def make_study(out: Path, number: int, seed: int, mix: tuple[float, ...] | None = None) -> TrueStudy:
    """Write one study below `out` and return what is true of it."""
    rng = np.random.default_rng([seed, number])
    spine = invent_spine(rng, mix)
    scanner = SCANNERS[number % len(SCANNERS)]
    identity = invent_identity(rng, spine.age, spine.sex, number)
    family = identity.name.partition("^")[0]
    folder = Path(f"{number:04d}-{family}") / str(identity.tags["AccessionNumber"])
    maker = _Maker(out / folder, spine, scanner, identity, rng, f"phantom-{seed}-{number}")
    sagittal, t1 = maker.sagittal()
    axial = maker.axial()
    localizer = maker.localizer()
    return TrueStudy(
        folder=str(folder),
        study_uid=maker.study_uid,
        patient_id=identity.patient_id,
        patient_name=identity.name,
        age=spine.age,
        sex=spine.sex,
        scanner=scanner.maker,
        transitional=spine.transitional,
        units=(sagittal, axial),
        rejected_series=(t1, localizer),
    )


class _Maker:
    """Renders and writes the series of one study."""

    def __init__(
        self,
        folder: Path,
        spine: Spine,
        scanner: Scanner,
        identity: Identity,
        rng: np.random.Generator,
        name: str,
    ) -> None:
        self._folder, self._spine, self._scanner, self._identity = folder, spine, scanner, identity
        self._rng, self._name = rng, name
        self._grain, self._looks = Grain(rng), invent_looks(rng)
        self.study_uid = str(generate_uid(entropy_srcs=[name, "study"]))

    def sagittal(self) -> tuple[TrueUnit, str]:
        """T2 and T1 of the same slices; the unit of the T2, and the T1's identifier."""
        s = self._scanner
        planes = sagittal_planes(
            self._spine,
            count=SAGITTAL_SLICES,
            spacing=s.spacing,
            gap=s.gap,
            matrix=s.matrix,
            turn=float(self._rng.normal(0, 1.5)),
        )
        slices = self._render(planes, s.matrix, s.spacing, with_t1=True)
        written = self._write(planes, [r.t2 for r in slices], Plane.SAGITTAL, s.sagittal_t2, 2)
        t1 = self._write(planes, [r.t1 for r in slices], Plane.SAGITTAL, s.sagittal_t1, 3)
        unit = self._unit(Plane.SAGITTAL, planes, slices, written, s.spacing, (s.matrix, s.matrix))
        return unit, t1.series_uid

    def axial(self) -> TrueUnit:
        """The axial T2."""
        planes = axial_planes(
            self._spine,
            count=AXIAL_SLICES,
            spacing=AXIAL_SPACING,
            gap=self._scanner.gap,
            matrix=AXIAL_MATRIX,
            angled=self._scanner.angled,
        )
        slices = self._render(planes, AXIAL_MATRIX, AXIAL_SPACING)
        written = self._write(
            planes, [r.t2 for r in slices], Plane.AXIAL, self._scanner.axial_t2, 4, AXIAL_SPACING
        )
        return self._unit(Plane.AXIAL, planes, slices, written, AXIAL_SPACING, (AXIAL_MATRIX, AXIAL_MATRIX))

    def localizer(self) -> str:
        """Three coarse sagittal slices, as every examination starts with."""
        spacing, matrix = 2.34375, 128
        planes = sagittal_planes(self._spine, count=3, spacing=spacing, gap=15.0, matrix=matrix, turn=0.0)
        slices = self._render(planes, matrix, spacing)
        header = {
            "SeriesDescription": "localizer",
            "RepetitionTime": "8.6",
            "EchoTime": "4",
            "ScanningSequence": "GR",
            "FlipAngle": "20",
        }
        return self._write(
            planes, [r.t2 for r in slices], Plane.SAGITTAL, header, 1, spacing, 15.0
        ).series_uid

    def _render(
        self, planes: Sequence[SlicePlane], matrix: int, spacing: float, with_t1: bool = False
    ) -> list[Rendered]:
        return [
            render(
                plane,
                (matrix, matrix),
                spacing,
                self._spine,
                self._grain,
                self._looks,
                self._rng,
                self._scanner.full_scale,
                with_t1,
            )
            for plane in planes
        ]

    def _write(
        self,
        planes: Sequence[SlicePlane],
        arrays: Sequence[Any],
        plane: Plane,
        sequence: dict[str, Any],
        number: int,
        spacing: float | None = None,
        gap: float | None = None,
    ) -> WrittenSeries:
        s, person = self._scanner, self._identity
        header = {**person.tags, **s.common, **sequence, "SliceThickness": f"{s.thickness:g}"}
        if s.slope != 1.0:
            header |= {"RescaleSlope": f"{s.slope:g}", "RescaleIntercept": "0"}
        return write_series(
            arrays,
            self._folder / f"S{number:03d}",
            plane=plane,
            spacing=spacing or s.spacing,
            slice_spacing=gap or s.gap,
            header=header,
            patient_name=person.name,
            patient_id=person.patient_id,
            study_uid=self.study_uid,
            series_number=number,
            positions=[list(p.origin) for p in planes],
            orientations=[p.orientation for p in planes],
            seed=self._name,
        )

    def _unit(
        self,
        plane: Plane,
        planes: Sequence[SlicePlane],
        slices: Sequence[Rendered],
        written: WrittenSeries,
        spacing: float,
        shape: tuple[int, int],
    ) -> TrueUnit:
        discs = tuple(_true_disc(d, plane, planes, slices) for d in self._spine.discs)
        return TrueUnit(
            plane=plane,
            series_uid=written.series_uid,
            sop_uids=written.sop_uids,
            positions=written.positions,
            shape=shape,
            spacing=spacing,
            midline=_midline(discs, len(planes)),
            discs=discs,
            herniations=tuple(_lesions(self._spine, slices, "herniation")),
            hiz=tuple(_lesions(self._spine, slices, "zone")),
        )


def _true_disc(
    disc: DiscBody, plane: Plane, planes: Sequence[SlicePlane], slices: Sequence[Rendered]
) -> TrueDisc:
    centre = disc.frame.centre
    boxes = tuple(
        slice_box(k, seen.disc)
        for k, rendered in enumerate(slices)
        for seen in rendered.seen
        if seen.index == disc.index and seen.disc is not None
    )
    nearest = min(range(len(planes)), key=lambda k: abs(planes[k].distance(centre)))
    return TrueDisc(
        index=disc.index,
        level=disc.level,
        pfirrmann=disc.grade,
        centre=(float(centre[0]), float(centre[1]), float(centre[2])),
        midline=nearest if plane is Plane.SAGITTAL else None,
        boxes=boxes,
    )


def _midline(discs: Sequence[TrueDisc], count: int) -> int:
    """The slice most of the lumbar discs are halved by; the middle of an axial stack."""
    own = sorted(d.midline for d in discs[:5] if d.midline is not None)
    return own[len(own) // 2] if own else count // 2


def _lesions(spine: Spine, slices: Sequence[Rendered], what: str) -> Iterator[TrueLesion]:
    for disc in spine.discs:
        lesion = disc.herniation if what == "herniation" else disc.zone
        boxes = tuple(
            slice_box(k, box)
            for k, rendered in enumerate(slices)
            for seen in rendered.seen
            if seen.index == disc.index and (box := getattr(seen, what)) is not None
        )
        if lesion is not None and boxes:
            kind = lesion.type if isinstance(lesion, Herniation) else lesion.side
            yield TrueLesion(index=disc.index, level=disc.level, kind=kind, boxes=boxes)
