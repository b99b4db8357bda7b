"""Pseudonyms and shifted dates from one secret key: the same key gives the same ones, everywhere.

Who holds the key can find a patient's pseudonym from the hospital's identifier (that is its use: adding a
later study to the same patient); who does not cannot, for the identifiers are hashed with it (HMAC-SHA-256).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from domain.errors import DiscLoopError

_KEY_HEX = 64
_LEAST_SHIFT, _SHIFT_DAYS = 32, 365


@dataclass(frozen=True, repr=False)
class PseudonymKey:
    """The secret; its text is never shown."""

    secret: bytes

    def digest(self, kind: str, *parts: str) -> str:
        """64 hex digits for an identifier of one kind (`patient`, `study`, …)."""
        message = "\x1f".join((kind, *parts)).encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()

    @property
    def fingerprint(self) -> str:
        """Names the key without telling it; a store remembers which key it was made with."""
        return self.digest("fingerprint")[:12]

    def patient(self, patient_id: str, issuer: str = "") -> str:
        """The patient's pseudonym."""
        return f"pt-{self.digest('patient', patient_id.strip(), issuer.strip())[:12]}"

    def study(self, study_uid: str) -> str:
        """The study's pseudonym."""
        return f"st-{self.digest('study', study_uid.strip())[:12]}"

    def uid(self, original: str) -> str:
        """A DICOM UID for a DICOM UID (PS3.5 B.2: 2.25 and a 128-bit number)."""
        return f"2.25.{int(self.digest('uid', original)[:32], 16)}"

    def shift(self, patient: str) -> timedelta:
        """The patient's own date shift, the same for all their dates: 32 to 396 days back."""
        return timedelta(days=-_LEAST_SHIFT - int(self.digest("shift", patient)[:8], 16) % _SHIFT_DAYS)

    def month(self, patient: str, day: date) -> str:
        """`YYYY-MM` of a day after the patient's shift."""
        return f"{day + self.shift(patient):%Y-%m}"

    def order(self, patient: str) -> str:
        """Sorts patients in an order that nobody chose."""
        return self.digest("split", patient)


def read_or_make_key(path: Path) -> tuple[PseudonymKey, bool]:
    """The key of a file, made (mode 0600) where the file is absent.

    Returns:
        The key, and whether it was made now.

    Raises:
        DiscLoopError: If the file is not a key, or others may read it.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_HEX // 2) + "\n")
        return read_key(path), True
    return read_key(path), False


def read_key(path: Path) -> PseudonymKey:
    """The key of a file that exists."""
    try:
        text = path.read_text("ascii").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise DiscLoopError(
            f"{path}: expected a key file, cannot read it ({type(error).__name__})"
        ) from error
    if mode & 0o077:
        raise DiscLoopError(
            f"{path}: the key may be read by its owner only, its mode is {mode & 0o777:o}; chmod 600"
        )
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) * 2 != _KEY_HEX or len(set(secret)) < 8:
        raise DiscLoopError(f"{path}: expected {_KEY_HEX} random hexadecimal digits")
    return PseudonymKey(secret)
