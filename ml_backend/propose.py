"""Proposals for files: the active model on PNG and DICOM, one JSON object a picture. Needs no server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from domain.errors import DiscLoopError
from domain.findings import Proposal
from ml_backend.model import BATCH, LoadedModel, load_model
from ml_backend.pictures import Picture, read_picture
from ml_backend.proposer import propose_slices
from ml_backend.runtimes import RuntimeName
from ml_backend.samples import BoxArray, GreyImage
from ml_backend.weights import BUNDLED

DISC_COLOUR, LESION_COLOUR, OUTLINE = (80, 220, 80), (60, 140, 255), (0, 0, 0)
"""Blue, green, red."""
NOT_SAGITTAL = "is not sagittal: nothing is proposed"


def propose_paths(
    paths: Sequence[Path],
    out: Path | None = None,
    *,
    weights: Path = BUNDLED,
    runtime: RuntimeName = RuntimeName.EAGER,
) -> Iterator[dict[str, Any]]:
    """Propose on pictures; folders are searched for pictures, sorted by name.

    Args:
        paths: PNG, JPEG, TIFF, BMP or DICOM files, or folders of them.
        out: Folder for PNG copies with the boxes drawn, made if missing.
        weights: A model's folder.
        runtime: Eager starts fastest; thousands of pictures are worth a compiled one.

    Yields:
        `{"image", "model", "width", "height", "discs", "herniations", "hiz", "uncertainty", "warnings"}`,
        boxes in pixels of the given picture, origin top left; or `{"image", "error"}` for a file in a folder
        that is no picture of ours.

    Raises:
        DiscLoopError: A path that was named itself does not exist or cannot be read, a folder holds no
            files, or a drawing would replace a picture. All named paths are read before any answer.
    """
    files = list(_files(paths))
    drawn = _drawings(files, out) if out is not None else {}
    named = set(paths)
    pictures: dict[Path, Picture] = {}
    for path in (file for file in files if file in named):
        picture = read_picture(path)
        if len(named) <= BATCH:  # a long list would not fit into memory: it is read again
            pictures[path] = picture
    model = load_model(weights, runtime=runtime)
    for start in range(0, len(files), BATCH):
        yield from _propose_chunk(model, files[start : start + BATCH], pictures, named, drawn)


def _propose_chunk(
    model: LoadedModel,
    files: list[Path],
    opened: dict[Path, Picture],
    named: set[Path],
    drawn: dict[Path, Path],
) -> Iterator[dict[str, Any]]:
    outcomes = [opened[path] if path in opened else _read(path, path in named) for path in files]
    sagittal = [outcome for outcome in outcomes if isinstance(outcome, Picture) and outcome.plane != "other"]
    proposals = iter(propose_slices(model, [picture.image for picture in sagittal]))
    for path, outcome in zip(files, outcomes, strict=True):
        if isinstance(outcome, DiscLoopError):
            yield {"image": str(path), "error": str(outcome)}
            continue
        proposal = next(proposals) if outcome.plane != "other" else _nothing(model)
        line = describe(path, outcome, proposal)
        if path in drawn:
            _write_drawn(drawn[path], outcome.image, proposal)
        yield line


def describe(path: Path, picture: Picture, proposal: Proposal) -> dict[str, Any]:
    """The JSON object of one picture."""

    def placed(item: Any, *fields: str) -> dict[str, Any]:
        box = picture.boxes_on_given(np.array([item.box.as_list()], np.float32))[0]
        chosen: dict[str, Any] = item.model_dump(mode="json", include=set(fields))
        return chosen | {"box": [round(float(edge), 2) for edge in box]}

    return {
        "image": str(path),
        "model": proposal.model,
        "width": picture.width,
        "height": picture.height,
        "discs": [
            placed(d, "index", "level", "score", "pfirrmann", "pfirrmann_probs") for d in proposal.discs
        ],
        "herniations": [placed(lesion, "level", "score") for lesion in proposal.herniations],
        "hiz": [placed(lesion, "level", "score") for lesion in proposal.hiz],
        "uncertainty": proposal.uncertainty,
        "warnings": [*picture.notes, *proposal.warnings],
    }


def draw(image: GreyImage, proposal: Proposal) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The slice with the boxes drawn, (height, width, 3), blue green red."""
    picture = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    size = max(0.35, max(image.shape) / 1200)
    for disc in proposal.discs:
        label = f"{disc.level.value if disc.level else disc.index} {disc.pfirrmann or ''}".strip()
        _rectangle(picture, disc.box.as_list(), DISC_COLOUR)
        where = (int(disc.box.x2) + 3, int((disc.box.y1 + disc.box.y2) / 2))
        for colour, thickness in ((OUTLINE, 3), (DISC_COLOUR, 1)):  # readable on white fat too
            cv2.putText(picture, label, where, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thickness, cv2.LINE_AA)
    for lesion in (*proposal.herniations, *proposal.hiz):
        _rectangle(picture, lesion.box.as_list(), LESION_COLOUR)
    return np.asarray(picture, np.uint8)


def _rectangle(picture: Any, edges: BoxArray | list[float], colour: tuple[int, int, int]) -> None:
    x1, y1, x2, y2 = (round(float(edge)) for edge in edges)
    cv2.rectangle(picture, (x1, y1), (x2, y2), colour, max(1, max(picture.shape) // 600))


def _write_drawn(path: Path, image: GreyImage, proposal: Proposal) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    done, content = cv2.imencode(".png", draw(image, proposal))
    if not done:
        raise DiscLoopError(f"{path}: the picture could not be written")
    partial = path.with_suffix(".part")
    partial.write_bytes(content.tobytes())
    partial.replace(path)


def _nothing(model: LoadedModel) -> Proposal:
    return Proposal(model=model.version, uncertainty=1.0, warnings=(NOT_SAGITTAL,))


def _drawings(files: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Where each picture's drawing goes: its own name, with a number where two have the same."""
    places: dict[Path, Path] = {}
    taken: set[Path] = set()
    sources = {file.resolve() for file in files}
    for file in dict.fromkeys(files):
        names = (out / f"{file.stem}{f'-{n}' if n > 1 else ''}.png" for n in count(1))
        places[file] = next(place for place in names if place not in taken)
        taken.add(places[file])
        if places[file].resolve() in sources:
            raise DiscLoopError(f"{places[file]} would be replaced by its drawing: choose another --out")
    return places


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.is_file())
            if not found:
                raise DiscLoopError(f"expected a folder of pictures, there is no file in {path}")
            yield from found
        elif path.is_file():
            yield path
        else:
            raise DiscLoopError(f"expected a picture or a folder of pictures, there is no {path}")


def _read(path: Path, named: bool) -> Picture | DiscLoopError:
    try:
        return read_picture(path)
    except DiscLoopError as error:
        if named:
            raise
        return error
