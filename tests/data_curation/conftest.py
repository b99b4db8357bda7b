"""Phantoms made once, and small studies of their slices for everything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from data_curation.curation import curate
from data_curation.identity import PseudonymKey
from data_curation.phantom.anatomy import invent_spine
from data_curation.phantom.canvas import Grain
from data_curation.phantom.generation import make_phantoms
from data_curation.phantom.rendering import Looks, render, sagittal_planes
from data_curation.phantom.truth import Truth
from data_curation.policy import POLICY
from data_curation.summary import Summary
from data_curation.synthesis import WrittenSeries, write_series
from domain.manifest import Study
from domain.taxonomy import Plane

T2 = {
    "Manufacturer": "SIEMENS",
    "ManufacturerModelName": "Avanto_fit",
    "MagneticFieldStrength": "1.5",
    "RepetitionTime": "3500",
    "EchoTime": "114",
    "ScanningSequence": "SE",
    "PatientAge": "054Y",
    "PatientSex": "F",
}
SPACING, GAP = 1.25, 4.4


@dataclass(frozen=True)
class Phantoms:
    """Studies on disk with their truth."""

    folder: Path
    truth: Truth


@dataclass(frozen=True)
class Curated:
    """A store made of the phantoms."""

    store: Path
    summary: Summary
    studies: dict[str, Study]


@pytest.fixture(scope="session")
def key() -> PseudonymKey:
    return PseudonymKey(bytes(range(32)))


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Phantoms:
    folder = tmp_path_factory.mktemp("phantoms") / "dicom"
    return Phantoms(folder, make_phantoms(folder, studies=3, seed=11))


@pytest.fixture(scope="session")
def curated(phantoms: Phantoms, key: PseudonymKey, tmp_path_factory: pytest.TempPathFactory) -> Curated:
    store = tmp_path_factory.mktemp("curated") / "store"
    summary = curate(phantoms.folder, store, key=key, policy=POLICY)
    return Curated(store, summary, {s.study: s for s in read_manifest(store)})


def read_manifest(store: Path) -> list[Study]:
    lines = (store / "manifest.jsonl").read_text("utf-8").splitlines()
    return [Study.model_validate_json(line) for line in lines]


@pytest.fixture(scope="session")
def slices() -> list[NDArray[np.uint16]]:
    """Seven small sagittal slices of a phantom: 160 x 160 pixels of 1.25 mm."""
    rng = np.random.default_rng(3)
    spine, grain, looks = invent_spine(rng), Grain(rng), Looks(0.02, 130, 0.6, 0.0)
    planes = sagittal_planes(spine, count=7, spacing=SPACING, gap=GAP, matrix=160, turn=0.0)
    return [render(p, (160, 160), SPACING, spine, grain, looks, rng, 900).t2 for p in planes]


MakeStudy = Callable[..., WrittenSeries]


@pytest.fixture
def make_study(slices: list[NDArray[np.uint16]], tmp_path: Path) -> MakeStudy:
    """Write the small slices as a sagittal T2 series; keyword arguments are header values."""

    def make(
        where: str = "dicom/study",
        patient_id: str = "PID-0001",
        patient_name: str = "Doe^Jane",
        seed: str = "study",
        arrays: list[NDArray[np.uint16]] | None = None,
        **header: Any,
    ) -> WrittenSeries:
        own = arrays or [s + np.uint16(sum(map(ord, seed)) % 97) for s in slices]
        return write_series(
            own,
            tmp_path / where,
            plane=Plane.SAGITTAL,
            spacing=SPACING,
            slice_spacing=GAP,
            header={**T2, **header},
            patient_name=patient_name,
            patient_id=patient_id,
            seed=seed,
        )

    return make
