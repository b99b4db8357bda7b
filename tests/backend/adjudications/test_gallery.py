"""Both readings of what differs, for whoever may see them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from sqlmodel import select

from backend.people.tables import Person
from domain.taxonomy import Role
from tests.backend.loop import TO_CONSENSUS, adjudications, read_all, with_adjudicator
from tests.backend.workplace import Workplace

SECRETS = ("reader-1", "reader-2", "study-", "patient-")


def differing(workplace: Workplace) -> None:
    with_adjudicator(workplace, 3)
    read_all(workplace, {"study-0001-sagittal": (3, 5, 3, 2, 1), "study-0002-sagittal": (3, 4, 3, 2, 1)})
    workplace.work(*TO_CONSENSUS)


def test_an_adjudicator_sees_their_own_units_without_names(workplace: Workplace) -> None:
    differing(workplace)
    (adjudicator,) = workplace.rows(select(Person).where(Person.role == Role.ADJUDICATOR))
    with workplace.client() as browser:
        workplace.sign_in(browser, adjudicator)
        home = browser.get("/").text
        assert "<strong>0</strong> of 2 decided" in home
        assert "Decide in Label Studio" in home
        assert 'href="/adjudications/gallery"' in home
        page = browser.get("/adjudications/gallery").text
        assert len(re.findall("<figure", page)) == 4
        assert "grade 5" in page
        assert not [secret for secret in SECRETS if secret in page]
        assert browser.get("/adjudications/gallery?kind=level_shift").text.count("<figure") == 0
        picture = re.search(r'href="(/adjudications/slices/[^"]+)"', page)
        assert picture is not None
        assert browser.get(picture[1]).headers["content-type"] == "image/png"
        assert browser.get(re.sub(r"\d+$", "99", picture[1])).status_code == 404


def test_what_a_reader_said_stands_within_the_picture(workplace: Workplace) -> None:
    differing(workplace)
    lead = workplace.add_person(Role.LEAD, "lead")
    with workplace.client() as browser:
        workplace.sign_in(browser, lead)
        page = browser.get("/adjudications/gallery").text
    pictures = [ElementTree.fromstring(one) for one in re.findall("<svg.*?</svg>", page, re.DOTALL)]
    assert len(pictures) == 4
    for picture in pictures:
        width = float(picture.attrib["viewBox"].split()[2])
        for words in picture.iterfind("text"):
            x, long = float(words.attrib["x"]), 0.6 * len(words.text or "") * float(words.attrib["font-size"])
            left = x - long if words.get("text-anchor") == "end" else x
            assert left >= -1e-6
            assert left + long <= width + 1e-6


def test_another_adjudicator_sees_none_of_them(workplace: Workplace) -> None:
    differing(workplace)
    other = workplace.add_person(Role.ADJUDICATOR, "other")
    key = adjudications(workplace)[0].key
    with workplace.client() as browser:
        workplace.sign_in(browser, other)
        assert "<figure" not in browser.get("/adjudications/gallery").text
        assert browser.get(f"/adjudications/slices/{key}/2").status_code == 404


def test_the_lead_sees_all_by_unit_and_still_no_reader(workplace: Workplace) -> None:
    differing(workplace)
    lead = workplace.add_person(Role.LEAD, "lead")
    with workplace.client() as browser:
        workplace.sign_in(browser, lead)
        page = browser.get("/adjudications/gallery").text
    assert page.index("study-0001-sagittal") < page.index("study-0002-sagittal")
    assert "reader-1" not in page
    assert "reader-2" not in page
