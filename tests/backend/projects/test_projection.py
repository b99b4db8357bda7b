"""The guard is told of everything new at once, and hears a heartbeat in between."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from backend.people import service as people
from backend.projects import service as projects
from backend.projects.tables import Project, ProjectionState
from domain.canary import CANARY
from domain.taxonomy import Plane, Role
from tests.backend.workplace import BY, Workplace


@pytest.mark.parametrize(("role", "kind"), [(Role.READER, "reading"), (Role.ADJUDICATOR, "adjudication")])
def test_one_project_a_plane(workplace: Workplace, role: Role, kind: str) -> None:
    person = workplace.add_person(role, "somebody")
    workplace.job("projection")
    projection = workplace.fakes.guard.projections[-1]
    assert [(one.id, one.role, one.active) for one in projection.people] == [
        (person.id, role, True),
        (CANARY, Role.READER, True),
    ]
    assert {one.key for one in projection.projects} == {f"{kind}-{person.id}-{plane}" for plane in Plane}
    for project in projection.projects:
        assert (project.kind, project.member, project.active) == (kind, person.id, True)
        assert ElementTree.fromstring(project.label_config).tag == "View"
        with workplace.database.reading() as session:
            assert session.get_one(Project, project.key).label_studio_id is not None


def test_the_pages_speak_the_sites_language(workplace: Workplace) -> None:
    workplace.add_person(Role.READER, "reader-1")
    chinese = workplace.settings.model_copy(update={"language": "zh"})
    with workplace.database.reading() as session:
        english, other = (
            projects.projection(session, held).projects[0] for held in (workplace.settings, chinese)
        )
    assert english.key == other.key
    assert "椎间盘" in other.label_config
    assert "椎间盘" not in english.label_config


def test_engineers_have_no_project(workplace: Workplace) -> None:
    workplace.add_person(Role.ENGINEER, "engineer")
    workplace.job("projection")
    assert workplace.fakes.guard.projections[-1].projects == ()


def test_the_version_grows_with_the_content_only(workplace: Workplace) -> None:
    person = workplace.add_person(Role.READER, "reader-1")
    workplace.job("projection")
    workplace.job("projection")
    assert len(workplace.fakes.guard.projections) == 1
    workplace.clock.turn(seconds=31)
    workplace.job("projection")
    with workplace.write() as session:
        people.retire(session, person.id, by=BY, clock=workplace.clock)
    workplace.job("projection")
    told = workplace.fakes.guard.projections
    assert [one.version for one in told] == [1, 1, 2]
    assert not told[-1].people[0].active
    assert not any(project.active for project in told[-1].projects)


def test_comes_back_over_a_guard_that_knows_more(workplace: Workplace) -> None:
    workplace.add_person(Role.READER, "reader-1")
    workplace.fakes.guard.held_version = 40
    workplace.job("projection")
    workplace.job("projection")
    assert workplace.fakes.guard.projections[-1].version == 41
    with workplace.database.reading() as session:
        assert session.get_one(ProjectionState, 1).pushed_version == 41


def test_a_rebuilt_label_studio_gets_new_numbers(workplace: Workplace) -> None:
    person = workplace.add_person(Role.READER, "reader-1")
    workplace.job("projection")
    workplace.fakes.guard._numbers = {"something else": 1}
    workplace.clock.turn(minutes=2)
    workplace.job("projection")
    with workplace.database.reading() as session:
        number = session.get_one(Project, f"reading-{person.id}-sagittal").label_studio_id
    assert number == workplace.fakes.guard._numbers[f"reading-{person.id}-sagittal"]
