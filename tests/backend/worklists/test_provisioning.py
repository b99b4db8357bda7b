"""Tasks come into Label Studio once, in order, cut to their arm."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from backend.jobs.tables import JobState
from backend.proposals.repository import TRIES
from backend.worklists.provisioning import SHOWN_VERSION
from domain.taxonomy import Arm, Plane, Role
from tests.backend.stores import SLICES, a_study
from tests.backend.workplace import Workplace

LOOP = ("projection", "proposals", "provisioning")


def tasks(workplace: Workplace) -> dict[str, Any]:
    """Every task in Label Studio by its key, with the count checked."""
    held = [task for project in workplace.fakes.label_studio.held.values() for _, task in project]
    by_key = {task.data["key"]: task for task in held}
    assert len(by_key) == len(held), "a task is there twice"
    return by_key


def test_every_assignment_has_its_task_in_order(workplace: Workplace) -> None:
    assignments = workplace.ready(*(a_study(n) for n in range(1, 9)))
    by_key = tasks(workplace)
    assert set(by_key) == {one.key for one in assignments}
    assert all(one.task is not None and one.provisioned_at is not None for one in assignments)
    for project in {one.project for one in assignments}:
        numbers = [one.task for one in assignments if one.project == project]
        assert numbers == sorted(number for number in numbers if number is not None)


def test_a_task_says_nothing_of_its_unit(workplace: Workplace) -> None:
    for one in workplace.ready(a_study(1), a_study(2)):
        task = tasks(workplace)[one.key]
        wanted = {"key", "slices", "open"} | ({"scout"} if one.plane is Plane.AXIAL else set())
        assert set(task.data) == wanted
        assert len(task.data["slices"]) == SLICES
        pattern = rf"/discloop/slices/\d+/{re.escape(one.key)}/\d+"
        assert all(re.fullmatch(pattern, path) for path in task.data["slices"])
        assert "study" not in json.dumps(task.data)


@pytest.mark.parametrize("arm", list(Arm))
def test_predictions_are_cut_to_the_arm(workplace: Workplace, arm: Arm) -> None:
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    workplace.ingest(a_study(1))
    workplace.plan(shares={arm: 1})
    workplace.work(*LOOP)
    for one in workplace.assignments():
        task = tasks(workplace)[one.key]
        if arm is Arm.UNAIDED:
            assert (task.result, one.shown, one.model, one.proposal) == (None, None, None, None)
            continue
        assert one.shown is not None
        assert json.loads(one.shown) == task.result
        assert (one.model, task.model_version) == ("model-1", SHOWN_VERSION)
        text = json.dumps(task.result)
        assert "score" not in text
        if one.plane is Plane.SAGITTAL:
            assert text.count('"rectanglelabels"') > 0
            assert ("pfirrmann" in text) is (arm is Arm.FULL)


def test_key_files_are_what_guard_and_model_read(workplace: Workplace) -> None:
    for one in workplace.ready(a_study(1)):
        path = workplace.settings.keys / f"{one.key}.json"
        said = json.loads(path.read_text())
        assert said["plane"] == one.plane.value
        assert said["slices"] == [f"studies/study-0001/{one.plane.value}/{n:03d}.png" for n in range(SLICES)]
        scout = "studies/study-0001/sagittal/002.png" if one.plane is Plane.AXIAL else None
        assert said["scout"] == scout
        assert said["smart_box"] is (one.arm is not Arm.UNAIDED)
    assert not [path for path in workplace.settings.keys.iterdir() if path.suffix != ".json"]


def test_a_lost_answer_doubles_nothing(workplace: Workplace) -> None:
    workplace.fakes.label_studio.fails_after_import = True
    assignments = workplace.ready(*(a_study(n) for n in range(1, 5)))
    assert any(one.task is None for one in assignments)
    workplace.fakes.label_studio.fails_after_import = False
    workplace.work(*LOOP)
    assert all(one.task is not None for one in workplace.assignments())
    assert len(tasks(workplace)) == 16


def test_what_was_shown_stays_when_a_new_model_comes_between(workplace: Workplace) -> None:
    workplace.fakes.label_studio.fails_after_import = True
    workplace.ready(*(a_study(n) for n in range(1, 5)))
    before = {one.key: one.shown for one in workplace.assignments() if one.prepared_at}
    workplace.fakes.ml_backend.version = "model-2"
    workplace.fakes.label_studio.fails_after_import = False
    workplace.work("proposals", "provisioning")
    after = {one.key: one for one in workplace.assignments()}
    assert before
    assert all(after[key].shown == shown for key, shown in before.items())


def test_nothing_is_given_out_before_its_proposal(workplace: Workplace) -> None:
    workplace.fakes.ml_backend.down = True
    workplace.ready(a_study(1), a_study(2))
    assert workplace.fakes.label_studio.held == {}
    with workplace.database.reading() as session:
        state = session.get_one(JobState, "proposals")
        assert state.error == "the ML backend does not answer"
    workplace.fakes.ml_backend.down = False
    workplace.work(*LOOP)
    assert len(tasks(workplace)) == 8


def test_a_unit_the_model_cannot_read_is_given_out_without(workplace: Workplace) -> None:
    workplace.fakes.ml_backend.broken = {"study-0001-sagittal"}
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    workplace.ingest(a_study(1))
    workplace.plan(shares={Arm.FULL: 1})
    for _ in range(TRIES):
        workplace.work(*LOOP)
        workplace.clock.turn(minutes=2)
    workplace.work(*LOOP)
    assert workplace.fakes.ml_backend.asked.count("study-0001-sagittal") == TRIES
    sagittal = [one for one in workplace.assignments() if one.plane is Plane.SAGITTAL]
    assert [(one.task is not None, one.shown) for one in sagittal] == [(True, None)] * 2


def test_the_smart_box_never_becomes_what_tasks_open_with(workplace: Workplace) -> None:
    assignments = workplace.ready(*(a_study(n) for n in range(1, 9)))
    label_studio = workplace.fakes.label_studio
    assert {number for number, _ in label_studio.attached} == set(label_studio.version)
    assert set(label_studio.version.values()) == {SHOWN_VERSION}
    assert len(label_studio.attached) == len({one.project for one in assignments if one.shown is not None})
    assert {address for _, address in label_studio.attached} == {"http://127.0.0.1:9090/reading"}


def test_two_processes_make_no_doubles(workplace: Workplace) -> None:
    second = Workplace(workplace.settings, workplace.database, workplace.fakes)
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    workplace.ingest(*(a_study(n) for n in range(1, 20)))
    workplace.plan(seed=1)
    workplace.work("projection", "proposals")
    assert workplace.job("provisioning") is not None
    assert second.job("provisioning") is None, "the first process leads"
    workplace.clock.turn(minutes=5)
    second.clock.turn(minutes=5)
    assert second.job("provisioning") is not None, "the first one's lease has run out"
    second.work("provisioning")
    assert len(tasks(workplace)) == 76
