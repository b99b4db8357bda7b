"""How good a sagittal stack is: measured on its midline, in numbers that `policy.Quality` judges.

Measures only; what is too bad is decided in `flags_of` from the thresholds, in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

from data_curation.midline import Canal
from data_curation.policy import Quality

_GHOST_DISTANCE = 20
"""Pixels: nearer than that a picture resembles itself anyway."""
_LEVEL = 35.0
"""Millimetres of canal that belong to one disc and body."""


@dataclass(frozen=True)
class Measures:
    """Of one stack."""

    signal_to_noise: float
    """Fluid's signal over the noise's spread."""
    ghosting: float
    """Peak of the cepstrum, in spreads: the picture repeats itself, as when the patient moved."""
    void_share: float
    """Share of the spine's neighbourhood in signal voids of 8 mm and more: metal."""
    discs_seen: float
    """Length of canal in the picture over 35 mm."""
    front: float
    """Millimetres from the canal to the picture's front edge, at the least: bodies and discs need 40."""


def measure(image: NDArray[np.uint16], canal: Canal, fluid: float, spacing: float) -> Measures:
    """Measure the midline slice.

    Args:
        image: Upright, anterior left, rows x columns.
        canal: Its course there.
        fluid: Signal of cerebrospinal fluid.
        spacing: Millimetres a pixel.
    """
    picture = image.astype(np.float32)
    body = picture > 0.08 * fluid
    noise = _noise(picture, body)
    clear = canal.strength > 0.2 * max(float(np.quantile(canal.strength, 0.9)), 1e-6)
    return Measures(
        signal_to_noise=round(float(fluid / max(noise, fluid * 1e-4)), 1),
        ghosting=round(_ghosting(picture), 1),
        void_share=round(_voids(picture, canal, fluid, spacing), 4),
        discs_seen=round(float(clear.sum()) * spacing / _LEVEL, 1),
        front=round(float(np.quantile(canal.columns[clear], 0.05)) * spacing, 1),
    )


def _noise(picture: NDArray[np.float32], body: NDArray[np.bool_]) -> float:
    """Spread of the noise from mixed differences, which leave gentle structure out (Donoho 1994)."""
    mixed = picture[1:, 1:] - picture[:-1, 1:] - picture[1:, :-1] + picture[:-1, :-1]
    within = body[1:, 1:]
    sample = np.abs(mixed[within]) if within.any() else np.abs(mixed).ravel()
    return float(np.median(sample)) / 0.6745 / 2


def _ghosting(picture: NDArray[np.float32]) -> float:
    """The highest peak of the picture's cepstrum along its rows or columns, in spreads of the rest.

    A ghost is the picture once more, further up or aside (phase encoding runs along one of the two): the
    logarithm of its spectrum then swings, and the spectrum of that (Bogert et al. 1963) has a peak at the
    ghost's distance, which anatomy has not.
    """
    fine = picture - gaussian_filter(picture, 8)
    window = np.outer(*(np.hanning(n).astype(np.float32) for n in picture.shape))
    power = np.abs(rfft2(fine * window))
    cepstrum = irfft2(np.log(power + 0.05 * np.median(power) + 1e-6), picture.shape)
    down, aside = (np.abs(np.fft.fftfreq(n) * n) for n in picture.shape)
    far = down[:, None] ** 2 + aside[None, :] ** 2 > _GHOST_DISTANCE**2
    along = far & ((down[:, None] <= 2) | (aside[None, :] <= 2))
    spread = float(cepstrum[far].std())
    return float(cepstrum[along].max()) / spread if spread > 0 and along.any() else 0.0


def _voids(picture: NDArray[np.float32], canal: Canal, fluid: float, spacing: float) -> float:
    offset = (np.arange(picture.shape[1])[None, :] - canal.columns[:, None]) * spacing
    near = (offset > -35) & (offset < 30)
    size = max(round(8 / spacing), 3)
    dark = (picture < 0.025 * fluid).astype(np.uint8)
    void = maximum_filter(minimum_filter(dark, size), size)
    return float(void[near].sum() / max(near.sum(), 1))


def flags_of(measures: Measures, rules: Quality) -> dict[str, float]:
    """Measures beyond their threshold, with the number."""
    flags = {}
    if measures.signal_to_noise < rules.signal_to_noise_at_least:
        flags["signal_to_noise"] = measures.signal_to_noise
    if measures.ghosting > rules.ghosting_at_most:
        flags["ghosting"] = measures.ghosting
    if measures.void_share > rules.void_share_at_most:
        flags["void_share"] = measures.void_share
    if measures.discs_seen < rules.discs_at_least:
        flags["discs_seen"] = measures.discs_seen
    if measures.front < rules.front_at_least:
        flags["cut_off"] = measures.front
    return flags


def too_bad(measures: Measures, rules: Quality) -> tuple[str, float] | None:
    """The reason to reject a stack and the number, if there is one."""
    if measures.signal_to_noise < rules.rejected_signal_to_noise:
        return "signal too low", measures.signal_to_noise
    return None
