"""Damaged and hostile input: no crash, no hang, nothing half-written, each named with its reason."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.uid import DeflatedExplicitVRLittleEndian

from data_curation import stacks
from data_curation.curation import curate
from data_curation.discovery import Skipped, Source, find_sources
from data_curation.identity import PseudonymKey
from data_curation.indexing import _read_one
from data_curation.midline import Midline, find_midline
from data_curation.pixels import decode
from data_curation.policy import POLICY, Limits, Policy
from data_curation.summary import Summary
from domain.errors import DiscLoopError
from tests import soaking
from tests.data_curation.conftest import MakeStudy, read_manifest

_SKEWED = "ImageOrientationPatient: expected two perpendicular unit vectors"
MUTATIONS = soaking.times(in_test=400, in_soak=10_000)


def _curate(tmp_path: Path, key: PseudonymKey, policy: Policy = POLICY) -> Summary:
    return curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=policy)


def test_a_damaged_slice_is_left_out_and_the_rest_is_kept(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study()
    content = made.paths[6].read_bytes()
    made.paths[6].write_bytes(content[: len(content) // 2])
    made.paths[0].write_bytes(content[:200])
    summary = _curate(tmp_path, key)
    assert sum(summary.files_skipped.values()) == 1
    series = read_manifest(tmp_path / "store")[0].series[0]
    assert len(series.slices) == 5
    assert series.flags["damaged_slices"] == 1


def test_junk_is_named_and_passed_by(make_study: MakeStudy, tmp_path: Path, key: PseudonymKey) -> None:
    make_study()
    folder = tmp_path / "dicom"
    (folder / "empty.dcm").touch()
    (folder / "report.pdf").write_bytes(b"%PDF-1.4 " + b"x" * 500)
    (folder / "broken.zip").write_bytes(b"PK\x03\x04" + b"\x00" * 100)
    (folder / "preamble.dcm").write_bytes(b"\0" * 128 + b"DICM")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (folder / "link").symlink_to(outside / "secret")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    summary = _curate(tmp_path, key)
    assert summary.curated == 1
    assert summary.files_skipped == {
        "SOPClassUID: missing": 1,
        "damaged zip archive": 1,
        "empty file": 1,
        "not DICOM": 1,
        "not a plain file": 1,
        "symbolic link": 3,
    }
    assert len(summary.skipped) == sum(summary.files_skipped.values())


def test_a_zip_bomb_is_not_unpacked(make_study: MakeStudy, tmp_path: Path, key: PseudonymKey) -> None:
    make_study()
    with zipfile.ZipFile(tmp_path / "dicom" / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"\0" * 50_000_000)
    with zipfile.ZipFile(tmp_path / "dicom" / "many.zip", "w") as archive:
        for number in range(30):
            archive.writestr(str(number), b"x")
    small = POLICY.model_copy(update={"limits": Limits(zip_members=20)})
    summary = _curate(tmp_path, key, small)
    assert summary.files_skipped == {
        "zip archive larger than the limit": 1,
        "zip member unpacks beyond the limit": 1,
    }


def test_archives_within_archives_are_read_to_a_depth(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study("loose", patient_id="A", seed="a")
    other = make_study("other", patient_id="B", seed="other")
    (tmp_path / "dicom" / "portion" / "1").mkdir(parents=True)
    inner = _zipped({f"slices/{k}": p.read_bytes() for k, p in enumerate(made.paths)})
    deep = _zipped({"inner": _zipped({str(k): p.read_bytes() for k, p in enumerate(other.paths)})})
    outer = _zipped({"portion.zip": inner, "deep.zip": deep, "note.txt": b"no image"})
    (tmp_path / "dicom" / "portion" / "1" / "export").write_bytes(outer)
    summary = _curate(tmp_path, key)
    assert (summary.curated, summary.slices) == (1, 7)
    assert summary.files_skipped == {"not DICOM": 1, "zip archive too far in others": 1}


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_deflated_file_that_unpacks_without_end_is_not_unpacked(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study()
    dataset = pydicom.dcmread(made.paths[0])
    dataset.add_new(0x00091010, "OB", b"\0" * 30_000_000)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(made.paths[0])
    assert made.paths[0].stat().st_size < 200_000
    small = POLICY.model_copy(update={"limits": Limits(file_bytes=10_000_000)})
    summary = _curate(tmp_path, key, small)
    assert summary.files_skipped == {"file unpacks beyond the limit": 1}
    assert summary.slices == 6


def test_a_member_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", os.urandom(4000))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(content)
    found = list(find_sources(tmp_path, POLICY.limits))
    results = [f if isinstance(f, Skipped) else _read_one(f, POLICY) for f in found]
    assert all(isinstance(r, Skipped) for r in results)


def test_members_of_an_archive_are_read_and_never_land_on_disk(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study("loose")
    (tmp_path / "dicom").mkdir()
    with zipfile.ZipFile(tmp_path / "dicom" / "export.zip", "w") as archive:
        for number, path in enumerate(made.paths):
            archive.write(path, f"../../../escape/{number}")
    assert _curate(tmp_path, key).curated == 1
    assert not (tmp_path / "escape").exists()
    assert not (tmp_path.parent / "escape").exists()


def _set_length(path: Path, tag: bytes, length: int) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(tag)
    content[at + 8 : at + 12] = struct.pack("<I", length)
    path.write_bytes(content)


def test_a_length_beyond_the_file_costs_no_memory(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study()
    _set_length(made.paths[3], b"\xe0\x7f\x10\x00OW", 0xFFFFFFF0)
    dataset = pydicom.dcmread(made.paths[2])
    dataset.add_new(0x00091010, "OB", b"x" * 64)
    dataset.save_as(made.paths[2])
    _set_length(made.paths[2], b"\x09\x00\x10\x10OB", 0xFFFFFFF0)
    summary = _curate(tmp_path, key)
    assert summary.curated == 1
    # The pixels of the other one are complete, whatever their length says.
    assert len(read_manifest(tmp_path / "store")[0].series[0].slices) == 6


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("ImageOrientationPatient", None, "ImageOrientationPatient: missing"),
        ("ImagePositionPatient", None, "ImagePositionPatient: missing"),
        ("PixelSpacing", None, "PixelSpacing: missing"),
        ("PixelSpacing", [0, 0], "PixelSpacing: expected two numbers from 0.05 to 20 mm"),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], _SKEWED),
        ("StudyInstanceUID", None, "StudyInstanceUID: missing"),
        ("SeriesInstanceUID", None, "SeriesInstanceUID: missing"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2", "not an MR image"),
        ("SamplesPerPixel", 3, "SamplesPerPixel: a colour image"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, keyword: str, value: object, reason: str
) -> None:
    made = make_study()
    for path in made.paths:
        dataset = pydicom.dcmread(path)
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
        dataset.save_as(path)
    assert _curate(tmp_path, key).files_skipped == {reason: 7}


def test_wrong_representations_are_survived(make_study: MakeStudy, tmp_path: Path, key: PseudonymKey) -> None:
    made = make_study()
    for path in made.paths[:2]:
        content = path.read_bytes()
        content = content.replace(b"\x28\x00\x30\x00DS", b"\x28\x00\x30\x00US")
        path.write_bytes(content.replace(b"\x20\x00\x32\x00DS", b"\x20\x00\x32\x00PN"))
    summary = _curate(tmp_path, key)
    assert summary.curated == 1
    assert sum(summary.files_skipped.values()) in (0, 2)


def test_copies_of_a_slice_count_once(make_study: MakeStudy, tmp_path: Path, key: PseudonymKey) -> None:
    made = make_study()
    for path in made.paths:
        (tmp_path / "dicom" / f"copy-{path.name}").write_bytes(path.read_bytes())
    _curate(tmp_path, key)
    series = read_manifest(tmp_path / "store")[0].series[0]
    assert len(series.slices) == 7
    assert series.flags["duplicate_slices"] == 7


def test_a_series_of_two_planes_is_taken_apart(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study()
    for path in made.paths[5:]:
        dataset = pydicom.dcmread(path)
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        dataset.save_as(path)
    summary = _curate(tmp_path, key)
    assert summary.series_rejected == {"neither sagittal nor axial": 1}
    assert [len(s.slices) for s in read_manifest(tmp_path / "store")[0].series] == [5]


def test_one_study_under_two_patients_is_refused(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study()
    dataset = pydicom.dcmread(made.paths[0])
    dataset.PatientID = "SOMEBODY-ELSE"
    dataset.save_as(made.paths[0])
    assert _curate(tmp_path, key).studies_rejected == {"one study under two patients": 1}


def test_the_same_pixels_under_two_names_are_refused_once(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    make_study("dicom/a", patient_id="A", seed="a", arrays=slices)
    make_study("dicom/b", patient_id="B", seed="b", arrays=slices)
    summary = _curate(tmp_path, key)
    assert summary.curated == 1
    assert summary.studies_rejected == {"same pixels as another study": 1}
    first = read_manifest(tmp_path / "store")[0].patient
    make_study("dicom/c", patient_id="C", seed="c", arrays=slices)
    assert _curate(tmp_path, key).curated == 1
    assert read_manifest(tmp_path / "store")[0].patient == first, "who was placed first stays"
    make_study("dicom/d", patient_id="D", seed="d", arrays=slices[2:])
    summary = _curate(tmp_path, key)
    assert (summary.curated, summary.studies_rejected) == (1, {"same pixels as another study": 3})


@pytest.mark.parametrize("place", ["dicom/store", ".", "dicom"])
def test_store_and_source_lie_apart(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, place: str
) -> None:
    make_study()
    with pytest.raises(DiscLoopError, match="must lie apart"):
        curate(tmp_path / "dicom", tmp_path / place, key=key, policy=POLICY)
    assert not (tmp_path / place / ".curation").exists()


def test_a_folder_of_something_else_is_not_made_a_store(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    make_study()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "thesis.docx").write_bytes(b"x")
    with pytest.raises(DiscLoopError, match="found something else"):
        _curate(tmp_path, key)
    assert [p.name for p in (tmp_path / "store").iterdir()] == ["thesis.docx"]


@pytest.mark.soak
def test_mutated_files_never_raise(make_study: MakeStudy, tmp_path: Path) -> None:
    """Bytes changed, cut and doubled at random: each file is read or skipped with a reason."""
    honest = make_study().paths[3].read_bytes()
    rng = np.random.default_rng(soaking.seed())
    path = tmp_path / "mutated"
    outcomes = set()
    for _ in range(MUTATIONS):
        content = bytearray(honest)
        for _ in range(int(rng.integers(1, 12))):
            at = int(rng.integers(0, 2200 if rng.random() < 0.8 else len(content)))
            match rng.integers(4):
                case 0:
                    content[at : at + 1] = bytes([int(rng.integers(256))])
                case 1:
                    del content[at : at + int(rng.integers(1, 40))]
                case 2:
                    content[at:at] = rng.bytes(int(rng.integers(1, 12)))
                case _:
                    content[at : at + 4] = struct.pack("<I", int(rng.integers(2**32)))
        path.write_bytes(content)
        read = _read_one(Source(str(path)), POLICY)
        if isinstance(read, Skipped):
            outcomes.add(read.reason)
        else:
            decode(read.instances, POLICY.limits)
            outcomes.add("read")
    assert "read" in outcomes
    assert len(outcomes) > 3


def test_a_stream_of_a_damaged_member_is_an_error_of_reading(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("slice", os.urandom(9000))
    content = bytearray(buffer.getvalue())
    content[2000:2100] = os.urandom(100)
    (tmp_path / "damaged.zip").write_bytes(content)
    (source,) = find_sources(tmp_path, POLICY.limits)
    assert isinstance(source, Source)
    assert _read_one(source, POLICY) == Skipped(source, "cannot be read")


def test_a_study_that_nobody_foresaw_stops_no_other(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_study("dicom/a", patient_id="A", seed="a")
    make_study("dicom/b", patient_id="B", seed="bb")
    seen: list[int] = []

    def fails_once(*given: Any, **named: Any) -> Midline:
        seen.append(1)
        if len(seen) == 1:
            raise ZeroDivisionError("Doe^Jane")
        return find_midline(*given, **named)

    monkeypatch.setattr(stacks, "find_midline", fails_once)
    summary = _curate(tmp_path, key)
    assert (summary.curated, summary.studies_rejected) == (1, {"unforeseen error ZeroDivisionError": 1})
    assert _curate(tmp_path, key).curated == 2, "it is tried again"
