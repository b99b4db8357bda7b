"""Splits: fixed per patient, near their shares in every stratum, enriched patients train only."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_curation.cohort import read_cohort
from data_curation.curation import Origin, curate
from data_curation.identity import PseudonymKey, read_key, read_or_make_key
from data_curation.policy import POLICY, Splits
from data_curation.splits import Newcomer, place
from domain.errors import DiscLoopError
from domain.taxonomy import Split
from tests.data_curation.conftest import MakeStudy, read_manifest

KEY = PseudonymKey(bytes(range(32)))


def _people(count: int, site: str = "site", band: str = "45-59", start: int = 0) -> list[Newcomer]:
    return [Newcomer(f"pt-{start + i:012x}", site, band, False) for i in range(count)]


@given(counts=st.lists(st.integers(1, 80), min_size=1, max_size=5))
def test_every_stratum_has_its_shares(counts: list[int]) -> None:
    people = [p for k, n in enumerate(counts) for p in _people(n, f"site-{k}", start=1000 * k)]
    placed = place(people, {}, KEY, Splits())
    for k, count in enumerate(counts):
        own = Counter(placed[p.patient].split for p in people if p.site == f"site-{k}")
        for split, share in Splits().ordered():
            assert abs(own[split] - share * count) <= 2.0


@given(order=st.permutations(_people(30)))
def test_order_of_arrival_within_a_batch_does_not_matter(order: list[Newcomer]) -> None:
    assert place(order, {}, KEY, Splits()) == place(_people(30), {}, KEY, Splits())


def test_later_patients_move_nobody() -> None:
    first = place(_people(40), {}, KEY, Splits())
    later = place(_people(400), first, KEY, Splits())
    assert {p: later[p] for p in first} == first
    assert abs(Counter(v.split for v in later.values())[Split.TEST] - 80) <= 3


def test_another_key_draws_another_test_set() -> None:
    other = place(_people(100), {}, PseudonymKey(bytes(range(1, 33))), Splits())
    mine = place(_people(100), {}, KEY, Splits())
    same = np.mean([mine[p].split is other[p].split for p in mine])
    assert same < 0.8


def test_external_and_enriched_patients_stay_where_they_belong(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    for number in range(3):
        make_study(f"dicom/{number}", patient_id=f"P{number}", seed=f"seed-{number * 3}")
    make_study("dicom/3", patient_id="P3", seed="another", IssuerOfPatientID="Somewhere")
    listed = tmp_path / "cohort.csv"
    listed.write_text("patient_id,exclude,enrich\nP0,surgery,\nP1,,hiz\nP3,,over-75\n")
    origin = Origin(cohort=read_cohort(listed, key))
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY, origin=origin)
    assert summary.studies_rejected == {"excluded: surgery": 1}
    studies = {s.patient: s for s in read_manifest(tmp_path / "store")}
    assert studies[key.patient("P1")].split is Split.TRAIN
    assert studies[key.patient("P1")].enrichment == "hiz"
    assert studies[key.patient("P2")].enrichment is None
    assert studies[key.patient("P3", "Somewhere")].enrichment == "over-75"
    assert studies[key.patient("P3", "Somewhere")].split is Split.TRAIN
    outside = Origin(site="elsewhere", external=True)
    curate(tmp_path / "dicom", tmp_path / "outside", key=key, policy=POLICY, origin=outside)
    assert {s.split for s in read_manifest(tmp_path / "outside")} == {Split.EXTERNAL}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\nP1\n", "expected a column patient_id"),
        ("patient_id,exclude\nSecretId,weather\n", "line 2: exclude must be one of"),
        ("patient_id,enrich\n,hiz\n", "line 2: patient_id is empty"),
    ],
)
def test_a_wrong_cohort_list_is_named(tmp_path: Path, key: PseudonymKey, text: str, message: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(DiscLoopError, match=message) as caught:
        read_cohort(tmp_path / "list.csv", key)
    assert "SecretId" not in str(caught.value)


def test_children_are_not_eligible(make_study: MakeStudy, tmp_path: Path, key: PseudonymKey) -> None:
    make_study(PatientAge="016Y")
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert summary.studies_rejected == {"younger than 18": 1}


def test_keys_are_made_once_and_kept_secret(tmp_path: Path) -> None:
    path = tmp_path / "new" / "curation.key"
    made, fresh = read_or_make_key(path)
    again, old = read_or_make_key(path)
    assert (fresh, old) == (True, False)
    assert made == again
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(made.secret.hex()) not in repr(made)
    path.chmod(0o644)
    with pytest.raises(DiscLoopError, match="chmod 600"):
        read_key(path)
    (tmp_path / "weak").write_text("00" * 32)
    (tmp_path / "weak").chmod(0o600)
    with pytest.raises(DiscLoopError, match="64 random hexadecimal digits"):
        read_key(tmp_path / "weak")
