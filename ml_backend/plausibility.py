"""Whether a picture is what the networks were trained on: an upright sagittal T2 slice of a lumbar spine.

A linear classifier on the detector's embedding of the picture. It answers which kind of picture this is, so
that a warning can name it; where it doubts, the proposal's uncertainty says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from ml_backend.ordinal import softmax

Floats = npt.NDArray[np.float32]


class PictureKind(StrEnum):
    """What a picture may be."""

    SAGITTAL_T2 = "sagittal_t2"
    MIRRORED = "mirrored"
    UPSIDE_DOWN = "upside_down"
    SAGITTAL_T1 = "sagittal_t1"
    OTHER = "other"


WARNINGS = {
    PictureKind.MIRRORED: "looks mirrored: the canal is expected on the right of the discs",
    PictureKind.UPSIDE_DOWN: "looks upside down: the sacrum is expected below",
    PictureKind.SAGITTAL_T1: "looks like T1: Pfirrmann grades need T2",
    PictureKind.OTHER: "does not look like a sagittal T2 slice of a lumbar spine",
}
KINDS = tuple(PictureKind)
USUAL = 10.0
"""How much commoner sagittal T2 slices are than any other kind where proposals are asked for."""


@dataclass(frozen=True)
class Plausibility:
    """A linear classifier of embeddings: standardise by `mean` and `scale`, then `weight` and `bias`.

    Shapes: mean, scale (channels,); weight (kinds, channels); bias (kinds,).
    """

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats

    def probabilities(self, embedding: Floats) -> dict[PictureKind, float]:
        """Probability of each kind for an embedding (channels,)."""
        standard = np.clip((embedding - self.mean) / self.scale, -8, 8)
        found = softmax(self.weight @ standard + self.bias)
        return {kind: float(p) for kind, p in zip(KINDS, found, strict=True)}


def fit_plausibility(
    embeddings: Floats, kinds: npt.NDArray[np.integer], *, strength: float = 5.0
) -> Plausibility:
    """Fit on embeddings (pictures, channels) and indices into `KINDS` (pictures,)."""
    from sklearn.linear_model import LogisticRegression

    mean, scale = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-3
    classifier = LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")
    classifier.fit((embeddings - mean) / scale, kinds)
    weight = np.zeros((len(KINDS), embeddings.shape[1]), np.float32)
    bias = np.full(len(KINDS), -50.0, np.float32)
    weight[classifier.classes_], bias[classifier.classes_] = classifier.coef_, classifier.intercept_
    bias[KINDS.index(PictureKind.SAGITTAL_T2)] += np.log(USUAL)
    return Plausibility(mean.astype(np.float32), scale.astype(np.float32), weight, bias)
