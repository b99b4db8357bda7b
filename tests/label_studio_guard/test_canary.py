"""The canary at the real door: signed in, refused everywhere; its ways do open to whose they are."""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from backend.canary.service import ways_to
from backend.outside.front_door import HttpFrontDoor
from domain.canary import CANARY, CANARY_EMAIL
from tests.label_studio import PASSWORD, LabelStudio, project_of, reader
from tests.label_studio_guard.test_people import png

pytestmark = pytest.mark.label_studio
READER, KEY = "p-000000c1", "Canaryefghijklmnop_-0123"


def test_the_canary_is_refused_where_the_reader_is_not(label_studio: LabelStudio) -> None:
    canary = reader(CANARY) | {"email": CANARY_EMAIL}
    label_studio.put_projection(people=[reader(READER), canary], projects=[project_of(READER)])
    project = label_studio.projects[f"reading-{READER}-sagittal"]
    (label_studio.store / "canary.png").write_bytes(png(10, 10))
    unit = {"slices": ["canary.png"], "scout": None, "plane": "sagittal"}
    (label_studio.keys / f"{KEY}.json").write_text(json.dumps(unit))
    slice_of_it = f"/discloop/slices/{project}/{KEY}/0"
    task = label_studio.import_tasks(project, [{"data": {"image": slice_of_it, "key": KEY}}])[0]
    answers, left = {}, {}
    for person, email in ((READER, f"{READER}@discloop.example"), (CANARY, CANARY_EMAIL)):
        label_studio.set_password(person)
        with closing(HttpFrontDoor(label_studio.url)) as door:
            assert door.signed_in_as() is None
            door.sign_in(email, PASSWORD)
            assert door.signed_in_as() == email
            answers[person] = [door.status_of(path) for path in ways_to(task, project, KEY)]
        with closing(HttpFrontDoor(label_studio.url)) as door:
            door.sign_in(email, PASSWORD)
            assert door.status_of("/api/projects/999999/") == 403
            denied = denials_of(label_studio, person)
            # Two hours pass; then it is refused once more.
            make_older(label_studio)
            assert door.status_of("/api/projects/999999/") == 403
            left[person] = denials_of(label_studio, person) - denied
    assert answers == {READER: [200] * 5, CANARY: [403] * 5}
    # Its own six of two hours ago are gone, and nobody else's.
    assert left == {READER: 1, CANARY: 1 - 6}


def denials_of(label_studio: LabelStudio, person: str) -> int:
    """How many lines of the deny log are somebody's."""
    with closing(label_studio.database()) as database:
        counted = database.execute(
            "SELECT count(*) FROM label_studio_guard_denial WHERE person = ?", [person]
        )
        return int(counted.fetchone()[0])


def make_older(label_studio: LabelStudio) -> None:
    """Every line of the deny log was written two hours earlier."""
    with closing(label_studio.database()) as database:
        database.execute("UPDATE label_studio_guard_denial SET at = datetime(at, '-2 hours')")
        database.commit()
