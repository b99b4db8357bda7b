from __future__ import annotations

from fastapi.testclient import TestClient

from domain.taxonomy import Role
from tests.backend.loop import read_all
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

SCANNER = {"echo_time": 93.0, "field_strength": 1.5, "manufacturer": "Maker", "model": "Model"}


def test_labels_are_counted_by_class_site_and_scanner(workplace: Workplace, client: TestClient) -> None:
    studies = [a_study(n, axial=False) for n in (1, 2, 3)]
    series = studies[0].series[0].model_copy(update={"scanner": SCANNER})
    studies[0] = studies[0].model_copy(update={"series": (series,)})
    workplace.ready(*studies[:2])
    read_all(workplace)
    workplace.work("outbox", "comparisons", "adjudications")
    workplace.ingest(*studies)
    said = client.get("/api/balance").json()
    assert said["have"] == {"grade 3": 6, "grade 2": 2, "grade 1": 2}
    assert said["splits"] == {"train": 3}
    scanners = {one["name"]: one for one in said["scanners"]}
    assert set(scanners) == {"Maker Model 1.5 T", "not stated"}
    assert (scanners["Maker Model 1.5 T"]["studies"], scanners["Maker Model 1.5 T"]["labelled"]) == (1, 1)
    assert scanners["not stated"]["classes"] == {"grade 3": 3, "grade 2": 1, "grade 1": 1}
    assert sum(site["studies"] for site in said["sites"]) == 3
    engineer = workplace.add_person(Role.ENGINEER, "engineer-1")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        assert "Maker Model 1.5 T" in browser.get("/data", headers={"accept": "text/html"}).text
