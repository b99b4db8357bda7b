"""Planted identities: none survives, and one let through on purpose is caught."""

from __future__ import annotations

import html
import json
import re
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from data_curation import curation, stacks
from data_curation.curation import Origin, curate
from data_curation.headers import read_person
from data_curation.identifiers import tokens_of, tokens_of_names
from data_curation.identity import PseudonymKey
from data_curation.policy import POLICY
from data_curation.verification import Leak, check_json, check_text, known_among, verify_store
from domain.errors import DiscLoopError
from tests.data_curation.conftest import MakeStudy, read_manifest

PLANTED_TEXT = {
    "AccessionNumber": "ACC7788991",
    "InstitutionName": "Klinikum Planted",
    "InstitutionAddress": "Plantedstrasse 12",
    "ReferringPhysicianName": "Refplanted^Rita",
    "ReferringPhysicianTelephoneNumbers": "+49 555 1234567",
    "StationName": "PLANTEDSTN",
    "StudyDescription": "MR for Plantedname",
    "SeriesDescription": "t2 sag Plantedname",
    "ProtocolName": "LSPINE PLANTEDNAME",
    "InstitutionalDepartmentName": "Plantedward",
    "PhysiciansOfRecord": "Recplanted^Rolf",
    "PerformingPhysicianName": "Perfplanted^Paul",
    "NameOfPhysiciansReadingStudy": "Readplanted^Rosa",
    "OperatorsName": "Opplanted^Otto",
    "AdmittingDiagnosesDescription": "Plantedpain",
    "ManufacturerModelName": "Plantedmodel of Plantedname",
    "IssuerOfPatientID": "PLANTEDISSUER",
    "PatientBirthName": "Birthplanted^Berta",
    "OtherPatientIDs": "OTHERID998877",
    "OtherPatientNames": "Aliasplanted^Anna",
    "PatientAddress": "Plantedallee 99",
    "PatientMotherBirthName": "Motherplanted^Maria",
    "MilitaryRank": "Plantedrank",
    "CountryOfResidence": "Plantedland",
    "RegionOfResidence": "Plantedregion",
    "PatientTelephoneNumbers": "+49 555 7654321",
    "EthnicGroup": "Plantedgroup",
    "Occupation": "Plantedjob",
    "AdditionalPatientHistory": "Plantedhistory of the patient",
    "PatientReligiousPreference": "Plantedfaith",
    "PatientComments": "Plantedcomment by nurse",
    "DeviceSerialNumber": "SER4455667",
    "StudyID": "STUDYID1234",
    "ImageComments": "Plantedimage note",
    "RequestingPhysician": "Reqplanted^Regina",
    "RequestedProcedureDescription": "Plantedprocedure",
    "CurrentPatientLocation": "Plantedroom 5",
    "PerformedProcedureStepDescription": "Plantedstep",
    "CommentsOnThePerformedProcedureStep": "Plantedstep comment",
    "RequestAttributesSequence": "",
}
DATES = {
    "StudyDate": "20190723",
    "SeriesDate": "20190723",
    "AcquisitionDate": "20190723",
    "ContentDate": "20190723",
    "PatientBirthDate": "19650214",
    "StudyTime": "134501",
}


def _plant(path: Path) -> None:
    dataset = pydicom.dcmread(path)
    for keyword, value in {**PLANTED_TEXT, **DATES}.items():
        if keyword != "RequestAttributesSequence":
            setattr(dataset, keyword, value)
    item = Dataset()
    item.ScheduledProcedureStepDescription = "Plantednested"
    item.RequestedProcedureID = "NESTED445566"
    dataset.RequestAttributesSequence = Sequence([item])
    block = dataset.private_block(0x0019, "PLANTEDPRIVATE", create=True)
    block.add_new(0x01, "LO", "Privateplanted")
    block.add_new(0x02, "UN", "Privatebytes王小东".encode())
    dataset.save_as(path)


def _everything(store: Path) -> str:
    """Names and contents of all files of a store, as text."""
    parts = [str(p.relative_to(store)) for p in store.rglob("*")]
    parts += [p.read_bytes().decode("utf-8", "replace") for p in store.rglob("*") if p.is_file()]
    return "\n".join(parts).casefold()


def test_forty_tags_private_tags_sequences_and_names_leave_no_trace(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, capfd: pytest.CaptureFixture[str]
) -> None:
    made = make_study(
        "dicom/Plantedfolder_Plantedname/st", patient_id="PIDPLANTED42", patient_name="Plantedname^Petra"
    )
    for path in made.paths:
        _plant(path)
    archive = tmp_path / "dicom" / "Plantedzip.zip"
    second = make_study("other", patient_id="PIDZIP77", patient_name="Zipplanted^Zoe", seed="zipped")
    with zipfile.ZipFile(archive, "w") as file:
        for path in second.paths:
            file.write(path, f"Plantedmember/{path.name}")
    assert len(PLANTED_TEXT) == 40
    store = tmp_path / "store"
    summary = curate(tmp_path / "dicom", store, key=key, policy=POLICY, skipped_list=tmp_path / "skipped")
    assert summary.curated == 2
    seen = _everything(store) + summary.model_dump_json().casefold() + "".join(capfd.readouterr()).casefold()
    values = [*PLANTED_TEXT.values(), *DATES.values(), "Plantedname^Petra", "PIDPLANTED42", "Zipplanted^Zoe",
              "PIDZIP77", "plantednested", "nested445566", "privateplanted", "privatebytes", "王小东",
              "plantedzip", "plantedmember", "plantedfolder", made.study_uid,
              made.series_uid, *made.sop_uids]  # fmt: skip
    for value in values:
        for word in value.casefold().replace("^", " ").split():
            if (len(word) > 4 or not word.isascii()) and word not in ("image", "patient"):
                assert word not in seen, word
    assert "planted" not in seen
    study = read_manifest(store)[0]
    assert all(s.scanner.get("model") in (None, "Avanto fit") for s in study.series)


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        (["ISO_IR 100"], "Müller-Lüdenscheidt^Jörg"),
        (["ISO_IR 192"], "Łukasiewicz^Żaneta"),
        (["", "ISO 2022 IR 58"], "Zhang^XiaoDong=张^小东="),
        (["GB18030"], "Wang^XiaoDong=王^小东="),
        (["ISO 2022 IR 6", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎="),
    ],
)
def test_names_in_any_character_set_leave_no_trace(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, charset: list[str], name: str
) -> None:
    made = make_study(patient_name=name, SpecificCharacterSet=charset if len(charset) > 1 else charset[0])
    if charset[-1] == "ISO 2022 IR 58":
        _escape_chinese(made.paths)
    gathered = tokens_of(pydicom.dcmread(made.paths[0], stop_before_pixels=True))
    store = tmp_path / "store"
    curate(tmp_path / "dicom", store, key=key, policy=POLICY)
    seen = _everything(store)
    for word in [w for w in re.split("[=^-]", name) if w]:
        assert word.casefold() in gathered or len(word) < 2, word
        if len(word) > 1:
            assert word.casefold() not in seen


def test_a_damaged_element_does_not_hide_the_names_beside_it(make_study: MakeStudy) -> None:
    made = make_study(patient_name="Lindqvist^Astrid", OperatorsName="Featherstone^Hugh")
    dataset = pydicom.dcmread(made.paths[0], stop_before_pixels=True)
    tag = BaseTag(0x00084F00)
    dataset[tag] = RawDataElement(tag, "W\0", 0, None, 0, False, True)
    assert {"lindqvist", "featherstone"} <= tokens_of(dataset)


def test_pseudonyms_are_stable_for_a_key_and_unlinkable_without(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    make_study()
    curate(tmp_path / "dicom", tmp_path / "a", key=key, policy=POLICY)
    curate(tmp_path / "dicom", tmp_path / "b", key=key, policy=POLICY)
    curate(tmp_path / "dicom", tmp_path / "c", key=PseudonymKey(bytes(range(1, 33))), policy=POLICY)
    a, b, c = (read_manifest(tmp_path / name)[0] for name in "abc")
    assert a == b
    assert (a.patient, a.study) != (c.patient, c.study)
    assert (a.month, a.age_band, a.sex) == (b.month, "45-59", "F")


def test_dates_of_one_patient_keep_their_distance(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    make_study("dicom/a", seed="first", StudyDate="20180315")
    make_study("dicom/b", seed="second", StudyDate="20200315")
    curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    months = sorted(str(s.month) for s in read_manifest(tmp_path / "store"))
    years = [int(m[:4]) * 12 + int(m[5:]) for m in months]
    assert years[1] - years[0] in (23, 24, 25)
    assert "2018-03" not in months


def _escape_chinese(paths: Iterable[Path]) -> None:
    """Write the ideographs as scanners do, each component after its escape sequence (PS3.5 K.2)."""
    plain, escape = "张^小东".encode("gb2312"), b"\x1b$)A"
    for path in paths:
        content = path.read_bytes()
        at = content.index(plain)
        start = content.rindex(b"PN", 0, at)
        length = int.from_bytes(content[start + 2 : start + 4], "little")
        value = content[start + 4 : start + 4 + length]
        escaped = value.replace(plain, escape + plain[:2] + b"^" + escape + plain[3:])
        escaped += b" " * (len(escaped) % 2)
        head = content[: start + 2] + len(escaped).to_bytes(2, "little")
        path.write_bytes(head + escaped + content[start + 4 + length :])


Leaky = dict[str, Any]


@pytest.mark.parametrize(
    "leak",
    [
        {"model": "Doe Jane"},
        {"manufacturer": "Doe"},
        {"Doe": 1.0},
        {"model": "Avanto PID-0001"},
        {"note": "19650214"},
    ],
)
def test_a_value_let_through_into_the_manifest_fails_the_command(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, monkeypatch: pytest.MonkeyPatch, leak: Leaky
) -> None:
    make_study()
    honest = stacks.scanner_values
    monkeypatch.setattr(stacks, "scanner_values", lambda acquired, gap: honest(acquired, gap) | leak)
    with pytest.raises(Leak) as caught:
        curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert "Doe" not in str(caught.value)
    assert "PID-0001" not in str(caught.value)
    assert not (tmp_path / "store" / "manifest.jsonl").exists()
    assert list((tmp_path / "store" / "studies").iterdir()) == []


def test_a_site_code_that_names_the_hospital_fails_the_command(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    make_study(InstitutionName="Charite Berlin")
    with pytest.raises(Leak, match="site"):
        curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY, origin=Origin(site="charite"))


def test_the_verification_finds_what_is_planted_afterwards(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study(AccessionNumber="ACC7788991")
    store = tmp_path / "store"
    curate(tmp_path / "dicom", store, key=key, policy=POLICY)
    known = known_among(tokens_of(pydicom.dcmread(made.paths[0], stop_before_pixels=True)))
    assert verify_store(store, known) > 10
    image = next(store.rglob("000.png"))

    honest = image.read_bytes()
    info = PngInfo()
    info.add_text("Author", "Doe^Jane")
    Image.open(image).save(image, pnginfo=info)
    with pytest.raises(Leak, match="PNG chunk"):
        verify_store(store, known)
    image.write_bytes(honest + b"Doe^Jane")
    with pytest.raises(Leak, match="after its end"):
        verify_store(store, known)
    image.write_bytes(honest)

    named = store / "studies" / "Doe-Jane.png"
    named.write_bytes(honest)
    with pytest.raises(Leak, match="a name that curation does not give") as caught:
        verify_store(store, known)
    assert "Doe" not in str(caught.value)
    named.unlink()

    sheet = store / "contact-sheet.html"
    page = sheet.read_text()
    sheet.write_text(page.replace("</main>", "<p>acc7788991</p></main>"))
    with pytest.raises(Leak, match=r"contact-sheet\.html"):
        verify_store(store, known)
    sheet.write_text(page)

    splits = store / ".curation" / "splits.json"
    splits.write_text(json.dumps({"Doe^Jane": {}}))
    with pytest.raises(Leak, match="splits"):
        verify_store(store, known)


def test_each_planted_value_let_through_is_found(make_study: MakeStudy, tmp_path: Path) -> None:
    """Every value of the forty tags, of private and nested ones, every date and UID, wherever it came out."""
    made = make_study(patient_id="PIDPLANTED42", patient_name="Plantedname^Petra=王^小东=")
    _plant(made.paths[0])
    dataset = pydicom.dcmread(made.paths[0], stop_before_pixels=True)
    names = tokens_of_names(["Plantedfolder_Plantedname/st/IM0001", "Plantedzip.zip"])
    known = known_among(tokens_of(dataset) | names)
    values = [v for v in PLANTED_TEXT.values() if v]
    values += [*DATES.values(), "PIDPLANTED42", "Petra", "小东", "王小东", "Plantednested", "NESTED445566",
               "Privateplanted", "Privatebytes王小东", "Plantedfolder", "plantedzip",
               made.study_uid]  # fmt: skip
    assert len(values) > 55
    for value in values:
        for kept in ({"model": value}, {"scanner": {"manufacturer": value}}, {value: 1.0}):
            with pytest.raises(Leak):
                check_json(kept, known, "line")
        with pytest.raises(Leak):
            check_text(f"<p>{html.escape(value)}</p>", known, (), "contact-sheet.html")


def test_each_json_string_is_of_curations_own_making() -> None:
    honest = {"patient": "pt-0123456789ab", "split": "train", "month": "2019-02", "age_band": "76+"}
    check_json(honest, known_among([]), "line")
    for field in honest:
        with pytest.raises(Leak):
            check_json(honest | {field: "Somebody"}, known_among([]), "line")


def _with_text(image: NDArray[np.uint16], text: str, at: tuple[int, int], value: int) -> NDArray[np.uint16]:
    layer = Image.new("L", (image.shape[1], image.shape[0]))
    ImageDraw.Draw(layer).text(at, text, fill=255, font=ImageFont.load_default(size=12))
    return np.where(np.asarray(layer) > 100, np.uint16(value), image)


def test_text_burnt_into_the_margin_is_masked(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    written = [_with_text(s, "DOE JANE 1965", (4, 2), 4095) for s in slices]
    make_study(arrays=written)
    curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    series = read_manifest(tmp_path / "store")[0].series[0]
    assert series.flags["masked_text"] == 7
    for shown in series.slices:
        assert shown.source is not None
        kept = np.asarray(Image.open(tmp_path / "store" / shown.source))
        assert (kept == 4095).sum() == 0


def test_text_burnt_into_the_middle_is_rejected(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    make_study(arrays=[_with_text(s, "DOE JANE 1965", (40, 70), 4095) for s in slices])
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert summary.series_rejected == {"text burnt in": 1}
    assert summary.studies_rejected == {"no usable T2 series": 1}


def test_text_of_two_brightnesses_is_masked(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    written = [
        _with_text(_with_text(s, "DOE JANE 1965", (4, 2), 4095), "KLINIK", (4, 142), 3000) for s in slices
    ]
    make_study(arrays=written)
    curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    for shown in read_manifest(tmp_path / "store")[0].series[0].slices:
        kept = np.asarray(Image.open(tmp_path / "store" / str(shown.source)))
        assert np.isin(kept, (3000, 4095)).sum() < 5


def test_text_let_through_into_the_pixels_fails_the_command(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make_study(arrays=[_with_text(s, "DOE JANE 1965", (4, 2), 4095) for s in slices])
    monkeypatch.setattr(stacks, "_without_text", lambda images: (images, 0))
    with pytest.raises(Leak, match="text is burnt into its pixels"):
        curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert list((tmp_path / "store" / "studies").iterdir()) == []


def test_an_honest_header_is_believed(make_study: MakeStudy, tmp_path: Path, key: PseudonymKey) -> None:
    make_study(BurnedInAnnotation="YES")
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert summary.series_rejected == {"text burnt in, says its header": 1}


def test_another_key_is_refused(make_study: MakeStudy, tmp_path: Path, key: PseudonymKey) -> None:
    make_study()
    curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    with pytest.raises(DiscLoopError, match="made with key"):
        curate(tmp_path / "dicom", tmp_path / "store", key=PseudonymKey(bytes(range(2, 34))), policy=POLICY)


def test_logs_hold_no_source_value(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, capfd: pytest.CaptureFixture[str]
) -> None:
    made = make_study(patient_name="Loggedname^Lena")
    made.paths[0].write_bytes(made.paths[0].read_bytes()[:3000])
    pixels = pydicom.dcmread(made.paths[1])
    pixels.PatientBirthDate = "19650214"
    pixels["PatientBirthDate"].VR = "LO"
    pixels.save_as(made.paths[1])
    curation.curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert "loggedname" not in "".join(capfd.readouterr()).casefold()


def test_an_odd_value_is_not_warned_about(make_study: MakeStudy) -> None:
    """pydicom's warnings repeat the value: on standard error it would leave the machine with a log."""
    made = make_study()
    dataset = pydicom.dcmread(made.paths[0], stop_before_pixels=True)
    tag = BaseTag(0x0020000D)
    value = b"Warnedname^Wilma" * 6
    dataset[tag] = RawDataElement(tag, "UI", len(value), value, 0, False, True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        person = read_person(dataset)
    assert person.study_uid.startswith("Warnedname")
    assert not said
