"""Killed at random and started again: the store is the one an undisturbed run makes."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_curation.curation import curate
from data_curation.identity import PseudonymKey
from data_curation.policy import POLICY
from domain.errors import DiscLoopError
from tests import soaking
from tests.data_curation.conftest import Curated, MakeStudy, Phantoms

KILLS = soaking.times(in_test=5, in_soak=50)
_RUN = """
import sys
from pathlib import Path
from data_curation.curation import curate
from data_curation.identity import PseudonymKey
from data_curation.policy import POLICY
if __name__ == "__main__":
    told = lambda stage, done, total: print(stage, done, flush=True)
    curate(Path(sys.argv[1]), Path(sys.argv[2]), key=PseudonymKey(bytes(range(32))), policy=POLICY,
           workers=int(sys.argv[3]), progress=told)
"""


def _contents(store: Path) -> dict[str, str]:
    return {
        str(p.relative_to(store)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(store.rglob("*"))
        if p.is_file()
    }


def _start(script: Path, dicom: Path, store: Path, workers: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(script), str(dicom), str(store), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.soak
def test_kill_at_random_leaves_nothing_wrong(phantoms: Phantoms, curated: Curated, tmp_path: Path) -> None:
    script, store = tmp_path / "run.py", tmp_path / "store"
    script.write_text(_RUN)
    chance = random.Random(soaking.seed())
    killed = 0
    for _ in range(KILLS):
        process = _start(script, phantoms.folder, store, workers=chance.choice([1, 2]))
        assert process.stdout is not None
        # Wait for a random step of its own progress, then for a random moment within the next.
        for _ in range(chance.randint(1, 6)):
            if not process.stdout.readline():
                break
        time.sleep(chance.uniform(0, 0.4))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
        process.stdout.close()
        _no_study_is_half_there(store)
    assert killed > 0
    last = _start(script, phantoms.folder, store, workers=1)
    last.communicate()
    assert last.returncode == 0
    assert _contents(store) == _contents(curated.store)


def _no_study_is_half_there(store: Path) -> None:
    for record in (store / ".curation" / "records").glob("st-*.json"):
        folder = store / "studies" / record.stem
        assert (folder / "sagittal" / "000.png").exists()
        assert (folder / "axial" / "scout.png").exists()


def test_two_at_once_on_one_store_are_refused(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    make_study()
    refusals: list[object] = []

    def second(stage: str, done: int, total: int) -> None:
        if stage == "curating" and not refusals:
            with pytest.raises(DiscLoopError, match="another curation") as caught:
                curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
            refusals.append(caught)

    curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY, progress=second)
    assert refusals


def test_a_changed_source_is_made_again(make_study: MakeStudy, tmp_path: Path, key: PseudonymKey) -> None:
    made = make_study()
    first = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    before = _contents(tmp_path / "store")
    made.paths[6].unlink()
    second = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert (first.changed, second.changed, second.unchanged) == (0, 1, 0)
    assert second.slices == first.slices - 1
    assert _contents(tmp_path / "store") != before
    assert not list((tmp_path / "store" / ".curation").glob("work"))


def test_a_study_that_is_gone_from_the_source_stays_in_the_store(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    """Hospitals export in portions: the next portion adds to the store."""
    made = make_study("dicom/a", seed="a")
    curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    for path in made.paths:
        path.unlink()
    make_study("dicom/b", seed="b", patient_id="PID-2")
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert (summary.studies, summary.curated) == (1, 2)


def test_a_nearly_full_disk_stops_it_and_a_second_run_goes_on(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_study("dicom/a", seed="a")
    curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    make_study("dicom/b", seed="b", patient_id="PID-2")
    before = _contents(tmp_path / "store" / "studies")
    monkeypatch.setattr("data_curation.store.FREE_BYTES", 1 << 60)
    with pytest.raises(DiscLoopError, match=r"GiB of disk are free, .* make room, then run it again"):
        curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert _contents(tmp_path / "store" / "studies") == before
    monkeypatch.undo()
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert (summary.curated, summary.unchanged) == (2, 1)
