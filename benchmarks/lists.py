"""The pages and answers that a reader, an adjudicator and the lead open, over 10,000 units and 20 readers."""

from __future__ import annotations

from statistics import median
from time import perf_counter, process_time
from typing import Any

from fastapi.testclient import TestClient
from sqlmodel import func, select

from backend.people.tables import Person
from backend.studies.tables import Unit
from benchmarks.reading_room import databases, fill, workplace
from tests.backend.workplace import Workplace

RUNS = 7
LIMIT_S = 0.3
"""What a list may take, in the median."""
PAGES: dict[str, tuple[str, ...]] = {
    "reader-00": ("/",),
    "adjudicator-0": ("/", "/adjudications/gallery", "/adjudications/gallery?kind=grade&page=20"),
    "lead": (
        "/",
        "/worklists",
        "/readings",
        "/corrections",
        "/adjudications",
        "/adjudications/gallery",
        "/adjudications/blank",
        "/agreement",
        "/freeze",
        "/ranking",
        "/rounds",
        "/models",
        "/data",
        "/audit",
    ),
}
ANSWERS = (
    "/api/status",
    "/api/worklists",
    "/api/readings?limit=1000",
    "/api/comparisons?limit=1000",
    "/api/adjudications",
    "/api/consensus?limit=100",
    "/api/corrections",
)


def measure() -> dict[str, Any]:
    """Median seconds by store, person and address: [passed, of this process's processor time].

    A busy machine lengthens the first; SQLite's work is in the second, Postgres' is not.
    """
    found: dict[str, Any] = {"runs": RUNS, "limit_s": LIMIT_S}
    with databases() as addresses:
        for name, address in addresses.items():
            with workplace(address) as place:
                fill(place)
                found[name] = of_store(place)
    return found


def of_store(place: Workplace) -> dict[str, Any]:
    """Open everything over a filled database."""
    medians: dict[str, list[float]] = {}
    for name, pages in PAGES.items():
        (person,) = place.rows(select(Person).where(Person.name == name))
        with place.client() as browser:
            place.sign_in(browser, person)
            medians |= {f"{name} {path}": _time(browser, path) for path in pages}
    with place.client() as browser:
        browser.headers["Authorization"] = f"Bearer {place.settings.api_token.get_secret_value()}"
        medians |= {f"API {path}": _time(browser, path) for path in ANSWERS}
    return {
        "units": place.rows(select(func.count()).select_from(Unit))[0],
        "medians": medians,
        "over_limit": sorted(where for where, (passed, _) in medians.items() if passed >= LIMIT_S),
    }


def _time(browser: TestClient, path: str) -> list[float]:
    passed, processor = [], []
    for _ in range(RUNS):
        start, began = perf_counter(), process_time()
        answer = browser.get(path, headers={"accept": "*/*" if path.startswith("/api/") else "text/html"})
        passed.append(perf_counter() - start)
        processor.append(process_time() - began)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: 200 is expected, got {answer.status_code}")
    return [round(median(passed), 3), round(median(processor), 3)]
