import pytest
from pydantic import ValidationError

from domain.boxes import Box
from domain.findings import Disc, Findings, Herniation, SliceBox
from domain.taxonomy import NotGradable, Plane

BOX = Box(x1=10, y1=20, x2=60, y2=40)


def test_a_disc_has_a_grade_or_a_reason_for_none() -> None:
    with pytest.raises(ValidationError, match="not both"):
        Disc(boxes=(SliceBox(slice=7, box=BOX),), pfirrmann=3, not_gradable=NotGradable.CUT)


def test_a_finding_has_one_box_a_slice() -> None:
    with pytest.raises(ValidationError, match="one box a slice"):
        Herniation(boxes=(SliceBox(slice=7, box=BOX), SliceBox(slice=7, box=BOX)))


@pytest.mark.parametrize("grade", [0, 6])
def test_grades_are_one_to_five(grade: int) -> None:
    with pytest.raises(ValidationError, match="pfirrmann"):
        Disc(boxes=(SliceBox(slice=7, box=BOX),), pfirrmann=grade)


def test_findings_survive_json() -> None:
    findings = Findings(
        plane=Plane.SAGITTAL,
        discs=(Disc(boxes=(SliceBox(slice=7, box=BOX), SliceBox(slice=8, box=BOX)), pfirrmann=4),),
    )
    assert Findings.model_validate_json(findings.model_dump_json()) == findings
    assert findings.discs[0].primary.slice == 7
