"""The files of a model: tensors in `weights.pt`, everything else in `model.json` beside it.

`model.json` names the tensors' SHA-256; a folder whose hash does not fit is refused before the file is
opened. Tensors are read as weights only: no code in the file can run.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import DiscLoopError
from ml_backend.progress import load_checkpoint

BUNDLED = Path(__file__).with_name("weights")
DESCRIPTION, TENSORS = "model.json", "weights.pt"


class ModelDescription(BaseModel):
    """What `model.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of `weights.pt`."""
    side: Annotated[int, Field(ge=64, le=2048, multiple_of=32)] = 384
    """Longer side of the detector's input."""
    graders: Annotated[int, Field(ge=1, le=32)]
    mirror: bool = False
    """Average each disc with its mirror image."""
    temperature: Annotated[float, Field(gt=0, le=20)] = 1.0
    """Of the averaged grade probabilities."""
    herniation_slope: float = 1.0
    herniation_intercept: float = 0.0
    """Logistic calibration of the averaged herniation logit."""
    herniation_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    trained_on: str = ""


def read_description(folder: Path) -> ModelDescription:
    """Read `model.json` of a folder.

    Raises:
        DiscLoopError: Missing or not as it should be; names the file and the field.
    """
    path = folder / DESCRIPTION
    try:
        return ModelDescription.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DiscLoopError(f"expected a model description in {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DiscLoopError(f"{path}, {field}: {first['msg']}") from error


def read_weights(
    folder: Path, *, expected_sha256: str | None = None
) -> tuple[ModelDescription, dict[str, Any]]:
    """Read a model's description and tensors, as float32.

    Args:
        folder: Holds `model.json` and `weights.pt`.
        expected_sha256: What the control plane says the hash is, if it said.

    Raises:
        DiscLoopError: Missing, damaged, or not the file that `model.json` or the control plane names.
    """
    description = read_description(folder)
    path = folder / TENSORS
    if not path.is_file():
        raise DiscLoopError(f"expected the tensors in {path}, there is no such file")
    found = sha256_of(path)
    for wanted, by in ((description.sha256, DESCRIPTION), (expected_sha256, "the control plane")):
        if wanted is not None and wanted != found:
            raise DiscLoopError(f"{path}: {by} names SHA-256 {wanted}, the file has {found}")
    return description, _widen(load_checkpoint(path))


def write_weights(folder: Path, tensors: dict[str, Any], description: dict[str, Any]) -> ModelDescription:
    """Write a model so that a kill leaves no half of it: tensors first, the description last.

    Args:
        folder: Made if missing.
        tensors: Nested dicts and lists of tensors; floating ones are stored as float16.
        description: Fields of `ModelDescription` without the hash; a version ending in "-" gets its start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / (TENSORS + ".part")
    torch.save(_narrow(tensors), partial)
    digest = sha256_of(partial)
    version = str(description["version"])
    complete = description | {
        "sha256": digest,
        "version": version + digest[:8] if version.endswith("-") else version,
    }
    model = ModelDescription.model_validate(complete)
    os.replace(partial, folder / TENSORS)
    text = folder / (DESCRIPTION + ".part")
    text.write_text(model.model_dump_json(indent=1) + "\n", encoding="utf-8")
    os.replace(text, folder / DESCRIPTION)
    return model


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _narrow(value: Any) -> Any:
    return _map(value, lambda t: t.detach().cpu().half() if t.is_floating_point() else t.detach().cpu())


def _widen(value: Any) -> Any:
    return _map(value, lambda t: t.float() if t.is_floating_point() else t)


def _map(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {key: _map(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_map(item, change) for item in value]
    return change(value) if isinstance(value, torch.Tensor) else value
