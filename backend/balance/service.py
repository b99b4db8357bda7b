"""Counts of labels by class, site and scanner."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from sqlmodel import Session

from backend.balance.schemas import BalanceOut, SourceOut
from backend.consensus import repository as consensus
from backend.consensus.tables import ConsensusRecord
from backend.studies import repository as studies
from domain.manifest import Study
from domain.policy import Policy

UNKNOWN = "not stated"


def balance(session: Session, policy: Policy) -> BalanceOut:
    """Everything the page shows."""
    patients = studies.patients(session)
    every = {row.id: Study.model_validate_json(row.manifest) for row in studies.every_study(session)}
    labels: dict[str, list[ConsensusRecord]] = defaultdict(list)
    for record in consensus.every(session):
        labels[record.study].append(record)
    sites, scanners = defaultdict(list), defaultdict(list)
    for study in every.values():
        sites[patients[study.patient].site or UNKNOWN].append(study)
        scanners[_scanner(study)].append(study)
    return BalanceOut(
        have=dict(consensus.class_counts(record for found in labels.values() for record in found)),
        wanted=dict(policy.quotas.wanted),
        splits=dict(sorted(Counter(one.split.value for one in patients.values()).items())),
        sites=_sources(sites, labels),
        scanners=_sources(scanners, labels),
    )


def _scanner(study: Study) -> str:
    """Manufacturer, model and field strength, as far as the study states them."""
    about = study.series[0].scanner
    field = f"{about['field_strength']} T" if about.get("field_strength") else ""
    words = (about.get("manufacturer"), about.get("model"), field)
    return " ".join(str(word) for word in words if word) or UNKNOWN


def _sources(
    groups: Mapping[str, Iterable[Study]], labels: Mapping[str, list[ConsensusRecord]]
) -> list[SourceOut]:
    made = []
    for name, found in sorted(groups.items()):
        own = list(found)
        records = [record for study in own for record in labels.get(study.study, ())]
        made.append(
            SourceOut(
                name=name,
                patients=len({study.patient for study in own}),
                studies=len(own),
                labelled=len({record.study for record in records}),
                classes=dict(consensus.class_counts(records)),
            )
        )
    return made
