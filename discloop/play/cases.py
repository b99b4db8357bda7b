"""The truth behind a task. A simulated reader cannot look at the picture: it is told what is in it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from data_curation.identity import read_key
from data_curation.phantom.truth import read_truth
from discloop.home import Home
from domain.errors import DiscLoopError
from domain.findings import Findings
from domain.manifest import Slice, Study
from domain.taxonomy import Plane


@dataclass(frozen=True)
class Case:
    """A unit and what is true of it."""

    study: str
    plane: Plane
    slices: tuple[Slice, ...]
    truth: Findings


class Cases:
    """All units of a home made from phantoms, found by a task's key."""

    def __init__(self, home: Home) -> None:
        """Read truth and manifest.

        Raises:
            DiscLoopError: If the home's studies are not phantoms, so that nobody knows the truth.
        """
        truth_files = sorted((home.root / "phantoms").rglob("truth.json"))
        if not truth_files:
            raise DiscLoopError("--play: simulated readers need phantoms, whose truth is known")
        self._keys = home.keys
        key = read_key(home.root / "curation.key")
        lines = (home.store / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        studies = {study.study: study for study in map(Study.model_validate_json, lines)}
        self._cases: dict[str, Case] = {}
        for true in (one for file in truth_files for one in read_truth(file).studies):
            study = studies.get(key.study(true.study_uid))
            for unit in true.units if study else ():
                series = next((s for s in study.series if s.plane is unit.plane), None) if study else None
                if study and series and len(series.slices) == len(unit.sop_uids):
                    findings = unit.findings(transitional=true.transitional)
                    case = Case(study.study, unit.plane, series.slices, findings)
                    self._cases[series.slices[0].path] = case

    def last_studies(self, count: int) -> frozenset[str]:
        """The last studies by pseudonym, at most a third of all."""
        studies = sorted({case.study for case in self._cases.values()})
        return frozenset(studies[len(studies) - min(count, len(studies) // 3) :])

    def of_key(self, key: str) -> Case:
        """The case a task shows."""
        shown = json.loads((self._keys / f"{key}.json").read_text(encoding="utf-8"))
        return self._cases[shown["slices"][0]]
