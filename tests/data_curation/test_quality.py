"""Poor quality is flagged or rejected with its number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from data_curation.curation import curate
from data_curation.identity import PseudonymKey
from data_curation.policy import POLICY
from tests.data_curation.conftest import MakeStudy, read_manifest

Slices = list[NDArray[np.uint16]]


def _noisy(slices: Slices, spread: float) -> Slices:
    rng = np.random.default_rng(5)
    return [
        np.hypot(s + rng.normal(0, spread, s.shape), rng.normal(0, spread, s.shape)).astype(np.uint16)
        for s in slices
    ]


def _ghosted(slices: Slices) -> Slices:
    return [(s + 0.3 * np.roll(s, 61, axis=0)).astype(np.uint16) for s in slices]


def _cut_in_front(slices: Slices) -> Slices:
    middle = slices[3]
    canal = int(np.argmax(middle[60:100, 40:130].mean(axis=0))) + 40
    return [np.ascontiguousarray(s[:, canal - 18 :]) for s in slices]


@pytest.mark.parametrize(
    ("spoil", "flag"),
    [(lambda s: _noisy(s, 160), "signal_to_noise"), (_ghosted, "ghosting"), (_cut_in_front, "cut_off"),
     (lambda s: [one[:122] for one in s], "discs_seen")],
)  # fmt: skip
def test_poor_quality_is_flagged_with_its_number(
    make_study: MakeStudy, slices: Slices, tmp_path: Path, key: PseudonymKey, spoil: object, flag: str
) -> None:
    make_study("dicom/as-it-is", arrays=slices)
    assert callable(spoil)
    make_study("dicom/spoilt", patient_id="B", seed="spoilt", arrays=spoil(slices))
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert summary.flags == {flag: 1}
    flags = {s.patient: s.series[0].flags for s in read_manifest(tmp_path / "store")}
    assert flags[key.patient("PID-0001")] == {}
    assert flags[key.patient("B")][flag] > 0
    assert flag.replace("_", "_") in (tmp_path / "store" / "contact-sheet.html").read_text()


def test_what_is_too_bad_is_rejected_with_its_number(
    make_study: MakeStudy, slices: Slices, tmp_path: Path, key: PseudonymKey
) -> None:
    make_study(arrays=_noisy(slices, 600))
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert summary.series_rejected == {"signal too low": 1}
    value = next(n.value for n in summary.rejected if n.series is not None)
    assert value is not None
    assert 0 < value < POLICY.quality.rejected_signal_to_noise
