"""The export of a running stack's consensus, and of a store's own labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from discloop import cli
from discloop.commands.export import labelled_studies
from domain.boxes import Box
from domain.consensus import Consensus, ConsensusDisc, ConsensusHerniation, Provenance
from domain.findings import SliceBox
from domain.taxonomy import HerniationType, Level, NumberingBasis, Plane, Quality

SOFT = (0.0, 0.0, 0.2, 0.7, 0.1)


def record(study: str, plane: Plane, provenance: Provenance) -> dict[str, Any]:
    boxes = (SliceBox(slice=3, box=Box(x1=10, y1=20, x2=60, y2=40)),)
    disc = ConsensusDisc(
        boxes=boxes,
        level=Level.L5_S1,
        provenance=provenance,
        index=1,
        pfirrmann=4 if plane is Plane.SAGITTAL else None,
        not_gradable=None,
        soft=SOFT if plane is Plane.SAGITTAL else None,
    )
    herniation = ConsensusHerniation(
        boxes=boxes, level=Level.L5_S1, provenance=provenance, type=HerniationType.PROTRUSION
    )
    consensus = Consensus(
        plane=plane,
        discs=(disc,),
        herniations=(herniation,),
        hiz=(),
        quality=Quality.GOOD,
        transitional=False,
        numbering=NumberingBasis.ASSUMED,
        provenance=provenance,
    )
    return {
        "unit": f"{study}-{plane}",
        "study": study,
        "patient": f"pt-{study}",
        "arm": "unaided",
        "consensus": consensus.model_dump(mode="json"),
    }


def test_units_of_a_study_come_together_with_their_provenance() -> None:
    records = [
        record("st-0001", Plane.AXIAL, Provenance.AGREED),
        record("st-0002", Plane.SAGITTAL, Provenance.AGREED),
        record("st-0001", Plane.SAGITTAL, Provenance.ADJUDICATED),
    ]
    first, second = labelled_studies(records)
    assert (first.study, first.patient, second.study) == ("st-0001", "pt-st-0001", "st-0002")
    assert [unit.provenance.source for unit in first.units] == ["agreed", "adjudicated"]
    sagittal = first.units[1]
    assert sagittal.provenance.soft == {1: SOFT}
    assert sagittal.findings.discs[0].pfirrmann == 4
    assert sagittal.findings.herniations[0].type is HerniationType.PROTRUSION
    assert first.units[0].provenance.soft == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["csv", "{}/out", "--store", "{}/nothing"], "expected a store's manifest"),
        (["csv", "{}/out", "--labels", "{}/labels.jsonl"], "--labels: name the --store"),
        (["csv", "{}/out", "--home", "{}/home"], "no stack runs on it"),
    ],
)
def test_what_is_missing_is_one_line_and_exit_2(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["export", *(word.format(tmp_path) for word in words)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert not (tmp_path / "out").exists()
