"""Who is in the study: a list that the hospital supplies, `patient_id,exclude,enrich`.

`exclude` takes a patient out (`infection`, `tumour`, `surgery`, `consent`, `other`). `enrich` says that a
patient was added to fill a quota (`under-30`, `over-75`, `hiz`): such patients train and never test, so that
the test set stays consecutive or random.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from data_curation.identity import PseudonymKey
from domain.errors import DiscLoopError

EXCLUSIONS = ("infection", "tumour", "surgery", "consent", "other")
QUOTAS = ("under-30", "over-75", "hiz")


@dataclass(frozen=True)
class Cohort:
    """The list under pseudonyms."""

    excluded: dict[str, str] = field(default_factory=dict)
    enriched: dict[str, str] = field(default_factory=dict)


def read_cohort(path: Path, key: PseudonymKey) -> Cohort:
    """Read a list.

    Raises:
        DiscLoopError: Naming the file, the line and the column; never the patient.
    """
    excluded: dict[str, str] = {}
    enriched: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames is None or "patient_id" not in rows.fieldnames:
                raise DiscLoopError(f"{path}: expected a column patient_id")
            for row in rows:
                patient = (row.get("patient_id") or "").strip()
                if not patient:
                    raise DiscLoopError(f"{path}, line {rows.line_num}: patient_id is empty")
                for column, codes, table in (("exclude", EXCLUSIONS, excluded), ("enrich", QUOTAS, enriched)):
                    code = (row.get(column) or "").strip()
                    if code and code not in codes:
                        raise DiscLoopError(
                            f"{path}, line {rows.line_num}: {column} must be one of {', '.join(codes)}"
                        )
                    if code:
                        table[key.patient(patient)] = code
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DiscLoopError(f"{path}: expected a CSV file in UTF-8, got {type(error).__name__}") from error
    return Cohort(excluded, enriched)
