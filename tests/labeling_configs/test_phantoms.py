"""A perfect reader's findings on whole phantom stacks, many boxes a disc, survive the editor's JSON."""

from __future__ import annotations

from pathlib import Path

from data_curation.phantom.generation import make_study
from domain.findings import Disc, Findings, Herniation, Hiz
from labeling_configs.codec import SliceSize, decode, encode_findings


def said(finding: Disc | Herniation | Hiz) -> tuple[object, ...]:
    boxes = sorted((mark.slice, mark.box.as_list()) for mark in finding.boxes)
    rounded = [(number, [round(edge, 3) for edge in edges]) for number, edges in boxes]
    return (*finding.model_copy(update={"boxes": ()}).model_dump().values(), rounded)


def all_said(findings: Findings) -> list[list[tuple[object, ...]]]:
    lesions = (findings.herniations, findings.hiz)
    return [[said(disc) for disc in findings.discs], *(sorted(map(said, kind), key=str) for kind in lesions)]


def test_a_perfect_reader_s_findings_come_back(tmp_path: Path) -> None:
    study = make_study(tmp_path, 3, 9)
    for unit in study.units:
        findings = unit.findings()
        slices = [SliceSize(unit.shape[1], unit.shape[0])] * len(unit.sop_uids)
        read = decode(encode_findings(findings, slices=slices), plane=unit.plane, slices=slices)
        assert all_said(read) == all_said(findings)
