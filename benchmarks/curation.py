"""What curation costs beyond decoding and writing: `python -m benchmarks curation`.

Measured side by side in one run on phantoms: slices a second of `curate` from DICOM to a verified store,
against the same slices decoded alone plus their PNG files written alone, per core; and peak memory for a
number of studies and for three times as many.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom

from data_curation.phantom.generation import make_phantoms
from data_curation.stacks import write_png

_CURATE = """
import json, resource, sys, time
from pathlib import Path
from data_curation.curation import curate
from data_curation.identity import PseudonymKey
from data_curation.policy import POLICY
if __name__ == "__main__":
    start = time.perf_counter()
    summary = curate(Path(sys.argv[1]), Path(sys.argv[2]), key=PseudonymKey(bytes(range(32))), policy=POLICY,
                     workers=int(sys.argv[3]))
    own, children = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": time.perf_counter() - start, "slices": summary.slices,
                      "cpu": own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
                      "peak_mib": max(own.ru_maxrss, children.ru_maxrss) / 1024}))
"""


def measure(studies: int = 6) -> dict[str, float]:
    """CPU milliseconds a slice, their ratio to the floor, the speed-up on two cores, and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        script = home / "run.py"
        script.write_text(_CURATE)
        make_phantoms(home / "few", studies=studies, seed=5, workers=2)
        for copy in range(3):
            shutil.copytree(home / "few", home / "many" / str(copy))
            _renamed(home / "many" / str(copy), copy)
        floor = _floor(home / "few", home / "floor")
        few, many, two = (
            _curate(script, home / source, home / f"store-{number}", workers)
            for number, (source, workers) in enumerate((("few", 1), ("many", 1), ("many", 2)))
        )
    # What a slice more costs: the interpreter's start and imports are the same for any number.
    cost = (many["cpu"] - few["cpu"]) / (many["slices"] - few["slices"])
    return {
        "studies": float(studies),
        "floor_ms_a_slice": round(floor * 1000, 2),
        "curate_cpu_ms_a_slice": round(cost * 1000, 2),
        "ratio_to_floor_per_core": round(cost / floor, 2),
        "start_s": round(few["cpu"] - cost * few["slices"], 2),
        "speed_up_on_two_cores": round(many["seconds"] / two["seconds"], 2),
        "peak_mib": round(few["peak_mib"]),
        "peak_mib_three_times_the_studies": round(many["peak_mib"]),
    }


def _renamed(folder: Path, copy: int) -> None:
    """Make other studies of copies: other identifiers, other pixels."""
    for path in sorted(folder.rglob("IM*")):
        dataset = pydicom.dcmread(path)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID"):
            setattr(dataset, keyword, f"{dataset[keyword].value}{copy + 1}"[-60:])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.PixelData = (dataset.pixel_array + np.uint16(copy + 1)).tobytes()
        dataset.save_as(path)


def _floor(folder: Path, out: Path) -> float:
    """CPU seconds a slice for decoding and for writing an 8- and a 16-bit PNG, nothing else."""
    out.mkdir()
    files = sorted(p for p in folder.rglob("IM*") if p.parent.name in ("S002", "S004"))
    start = time.process_time()
    pictures = [pydicom.dcmread(path).pixel_array for path in files]
    for number, pixels in enumerate(pictures):
        write_png(out / f"{number}.png", (pixels >> 4).astype(np.uint8))
        write_png(out / f"{number}.source.png", pixels)
    return (time.process_time() - start) / len(files)


def _curate(script: Path, dicom: Path, store: Path, workers: int) -> dict[str, float]:
    result = subprocess.run(
        [sys.executable, str(script), str(dicom), str(store), str(workers)],
        check=True,
        capture_output=True,
        text=True,
    )
    measured: dict[str, float] = json.loads(result.stdout)
    return measured
