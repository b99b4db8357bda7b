"""The bundled model on real slices: counts, kinds of pictures, and that it has learned anything at all.

These patients were trained on: the figures that count are the model card's. Here a broken checkpoint, runtime
or post-processing is noticed.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from ml_backend.model import LoadedModel, load_model
from ml_backend.plausibility import PictureKind
from ml_backend.proposer import CUT_BELOW, propose_slices
from ml_backend.runtimes import RuntimeName
from ml_backend.samples import GreyImage, LabelledSlice
from ml_backend.spider import load_graded, read_grey
from ml_backend.weights import BUNDLED

DATA = Path(os.environ.get("DISCLOOP_DATA", "."))
EVERY = 7


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(BUNDLED, runtime=RuntimeName.ONNX, threads=1)


@pytest.fixture(scope="module")
def patients() -> list[LabelledSlice]:
    return load_graded(DATA)[::EVERY]


def likeliest(model: LoadedModel, image: GreyImage) -> PictureKind:
    kinds = model.kinds(model.find([image])[0].embedding)
    return max(kinds, key=lambda kind: kinds[kind])


def test_discs_are_counted_and_graded(model: LoadedModel, patients: list[LabelledSlice]) -> None:
    proposals = propose_slices(model, [patient.image for patient in patients])
    near = [abs(len(p.discs) - s.count) <= 1 for p, s in zip(proposals, patients, strict=True)]
    assert np.mean(near) >= 0.9
    distances = [
        abs((disc.pfirrmann or 0) - int(grades.argmax()) - 1)
        for proposal, patient in zip(proposals, patients, strict=True)
        for disc, grades in zip(proposal.discs, patient.grades, strict=False)
    ]
    assert np.mean(np.array(distances) <= 1) >= 0.85


def test_mirrored_upside_down_t1_and_axial_slices_are_told_apart(
    model: LoadedModel, patients: list[LabelledSlice]
) -> None:
    images = [patient.image for patient in patients]
    upright = [likeliest(model, image) is PictureKind.SAGITTAL_T2 for image in images]
    turned = [
        likeliest(model, np.ascontiguousarray(image[::-1])) is PictureKind.UPSIDE_DOWN for image in images
    ]
    axial = [read_grey(DATA / f"axial_and_other/{n:03d}.png") for n in (1, 17, 33, 57, 83, 116)]
    others = [likeliest(model, image) is PictureKind.OTHER for image in axial]
    assert np.mean(upright) >= 0.85
    assert np.mean(turned) >= 0.85
    assert np.mean(others) >= 0.8


def test_what_is_no_spine_is_no_confident_spine(model: LoadedModel, patients: list[LabelledSlice]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 400)).astype(np.uint8)
    strange = [noise, np.full((300, 300), 90, np.uint8), read_grey(DATA / "axial_and_other/001.png")]
    for proposal in propose_slices(model, strange):
        assert proposal.warnings
        assert proposal.uncertainty > 0.5


def test_a_cut_off_sacrum_is_noticed_and_its_levels_stay_unnamed(
    model: LoadedModel, patients: list[LabelledSlice]
) -> None:
    whole = propose_slices(model, [patient.image for patient in patients])
    cut = []
    for patient, proposal in zip(patients, whole, strict=True):
        if len(proposal.discs) >= 6:
            between = (proposal.discs[1].box.y1 + proposal.discs[2].box.y2) / 2
            cut.append(np.ascontiguousarray(patient.image[: int(between)]))
    above = [proposal for proposal in propose_slices(model, cut) if proposal.discs]
    assert len(above) >= 0.7 * len(cut)
    assert np.mean([CUT_BELOW in proposal.warnings for proposal in whole]) <= 0.1
    assert np.mean([CUT_BELOW in proposal.warnings for proposal in above]) >= 0.9
    unnamed = [proposal for proposal in above if CUT_BELOW in proposal.warnings]
    assert {disc.level for proposal in unnamed for disc in proposal.discs} == {None}


def test_nothing_is_proposed_on_two_grey_values(model: LoadedModel, patients: list[LabelledSlice]) -> None:
    image = patients[0].image
    (proposal,) = propose_slices(model, [np.where(image > np.median(image), 255, 0).astype(np.uint8)])
    assert (proposal.discs, proposal.uncertainty) == ((), 1)
    assert proposal.warnings[0] == "grey values: 2, too few to read"


def test_a_larger_picture_has_its_discs_at_the_same_places(
    model: LoadedModel, patients: list[LabelledSlice]
) -> None:
    image = patients[0].image
    doubled = np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    small, large = propose_slices(model, [image, doubled])
    assert len(small.discs) == len(large.discs)
    for a, b in zip(small.discs, large.discs, strict=True):
        assert np.allclose(np.array(a.box.as_list()) * 2, b.box.as_list(), atol=8)


def test_a_slice_stored_upside_down_is_turned(patients: list[LabelledSlice]) -> None:
    stored = read_grey(DATA / "spider/t2/57.png")
    turned = next(s for s in load_graded(DATA) if s.patient == "spider-57")
    assert np.array_equal(turned.image, stored[::-1])
    assert patients[0].patient != "spider-57"
    assert np.array_equal(patients[0].image, read_grey(DATA / f"spider/t2/{patients[0].patient[7:]}.png"))
