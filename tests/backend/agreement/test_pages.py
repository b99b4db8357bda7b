from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from pathlib import Path

from fastapi.testclient import TestClient

from backend.agreement import service
from backend.agreement.discs import ANSWERS
from backend.worklists.tables import Assignment
from discloop.agreement.table import read_table
from domain.agreement import report
from domain.taxonomy import Role
from tests.backend.loop import read, read_all
from tests.backend.stores import GREY_PIXEL, a_study
from tests.backend.workplace import Workplace

HTML = {"accept": "text/html"}
ALL = {"arm": "all"}


def test_every_cell_opens_the_discs_that_it_counts(read_twice: Workplace, client: TestClient) -> None:
    told = client.get("/api/agreement", params=ALL).json()
    page = client.get("/agreement", params=ALL, headers=HTML).text
    assert " style=" not in page
    links = {unescape(link) for link in re.findall(r'href="(/agreement/discs[^"]+)"', page)}
    cells = {
        (row, column): count
        for row, counts in zip(ANSWERS, told["table_with_missing"]["counts"], strict=True)
        for column, count in zip(ANSWERS, counts, strict=True)
        if count
    }
    assert links == {f"/agreement/discs?arm=all&row={row}&column={column}" for row, column in cells}
    assert page.count('aria-label="3 against 3: ') == 2
    for (row, column), count in cells.items():
        shown = client.get("/agreement/discs", params=ALL | {"row": row, "column": column}, headers=HTML).text
        assert shown.count("<image ") == count
        assert f"{count:.0f} disc" in shown
    picture = re.search(r'<image href="([^"]+)"', shown)
    assert picture is not None
    answer = client.get(picture[1])
    assert (answer.headers["content-type"], answer.content) == ("image/png", GREY_PIXEL)
    assert answer.headers["cache-control"] == "no-store"
    empty = client.get("/agreement/discs", params=ALL | {"row": "1", "column": "5"}, headers=HTML).text
    assert "No disc is in this cell" in empty
    assert client.get("/agreement/discs", params=ALL | {"row": "6", "column": "5"}).status_code == 422


def test_a_slice_comes_from_the_store_and_only_to_the_entitled(
    read_twice: Workplace, client: TestClient, tmp_path: Path
) -> None:
    with read_twice.database.reading() as session:
        disc = service.figures(session, read_twice.database).discs[0]
    good = f"/agreement/slices/{disc.revision}"
    assert client.get(f"{good}/2").status_code == 200
    for address in (f"{good}/99", "/agreement/slices/999999/2", "/agreement/slices/0/0"):
        assert client.get(address).status_code == 404
    assert client.get(f"/agreement/slices/{10**30}/2").status_code == 422
    elsewhere = tmp_path / "elsewhere.png"
    elsewhere.write_bytes(GREY_PIXEL)
    linked = read_twice.settings.store / f"studies/{disc.study}/sagittal/002.png"
    linked.unlink()
    linked.symlink_to(elsewhere)
    assert client.get(f"{good}/2").status_code == 404
    reader = read_twice.add_person(Role.READER, "curious")
    with read_twice.client() as browser:
        read_twice.sign_in(browser, reader)
        params = ALL | {"row": "3", "column": "3"}
        for address in (f"{good}/1", "/agreement/discs", "/agreement/report.html"):
            assert browser.get(address, params=params).status_code == 403


def test_the_downloads_hold_the_same_figures(
    read_twice: Workplace, client: TestClient, tmp_path: Path
) -> None:
    told = client.get("/api/agreement", params=ALL)
    answer = client.get("/api/agreement/readings.csv")
    assert "attachment" in answer.headers["content-disposition"]
    table = tmp_path / "readings.csv"
    table.write_bytes(answer.content)
    again = report(read_table(table).readings, arm="all").model_dump_json().replace("\"'=HYPER", '"=HYPER')
    assert json.loads(again) == told.json()
    cells = {cell for row in csv.reader(io.StringIO(answer.text)) for cell in row}
    assert '\'=HYPERLINK("http://x.example","1,2") -1' in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    saved = client.get("/agreement/report.html", params=ALL)
    assert "attachment" in saved.headers["content-disposition"]
    assert "<script" not in saved.text
    assert f"{told.json()['kappa_linear']['value']:.2f}" in saved.text


def test_model_and_consensus_stand_beside_the_readers(read_twice: Workplace, client: TestClient) -> None:
    told = client.get("/api/agreement", params=ALL).json()
    assert told["source"]["consensus"] == ["consensus"]
    assert len(told["source"]["models"]) == 1
    assert told["model_against_readers"][0]["agreement"]["n"]["paired"] == 20
    assert told["n"]["paired"] == 20


def test_a_hidden_repeat_tells_how_a_reader_agrees_with_themselves(
    read_twice: Workplace, client: TestClient
) -> None:
    before = client.get("/api/agreement", params=ALL).json()
    first = next(one for one in read_twice.assignments() if one.unit == "study-0002-sagittal")
    changes = {"key": "a-hidden-repeat", "occasion": 2, "position": 99, "first_signed_at": None}
    repeat = Assignment(**first.model_dump() | changes)
    with read_twice.write() as session:
        session.add(repeat)
    read(read_twice, repeat, 3, 3, 3, 2, 2)
    read_twice.work("outbox", "comparisons")
    after = client.get("/api/agreement", params=ALL).json()
    (own,) = after["within_reader"]["readers"]
    assert (own["reader"], own["agreement"]["n"]["paired"]) == (first.reader, 5)
    assert own["agreement"]["percent_agreement"]["value"] == 0.8
    assert after["table"] == before["table"]
    assert "With themselves" in client.get("/agreement", params=ALL, headers=HTML).text


def test_figures_are_made_again_only_when_there_is_something_new(workplace: Workplace) -> None:
    workplace.ready(a_study(1, axial=False), a_study(2, axial=False))
    with workplace.database.reading() as session:
        assert service.make_report(session, workplace.database, "all") is None
    read_all(workplace)
    workplace.work("outbox", "comparisons")
    with workplace.database.reading() as session:
        first = service.make_report(session, workplace.database, "all")
        assert first is not None
        assert first.n.paired == 10
        assert service.make_report(session, workplace.database, "all") is first
    read_all(workplace)
    workplace.work("outbox", "comparisons")
    with workplace.database.reading() as session:
        assert service.make_report(session, workplace.database, "all") is not first
