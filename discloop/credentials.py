"""The secrets of one local stack: generated once, kept in `secrets.json`, readable by its owner only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from discloop.atomic import write_text
from domain.errors import DiscLoopError

Secret = Annotated[str, Field(min_length=20, repr=False)]


class Secrets(BaseModel):
    """Each is handed only to the processes that need it, as environment."""

    model_config = ConfigDict(extra="forbid")

    guard_secret: Secret
    assertion_key: Secret
    service_token: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$", repr=False)]
    """Label Studio's token of the service account: 40 hexadecimal digits."""
    api_token: Secret
    ml_password: Secret
    django_secret_key: Secret
    people: Annotated[dict[str, str], Field(repr=False)] = {}
    """Generated first passwords by e-mail address, so that a second start can print them again."""

    @classmethod
    def generate(cls) -> Self:
        """New secrets from the system's random source."""
        return cls(
            guard_secret=secrets.token_urlsafe(32),
            assertion_key=secrets.token_urlsafe(32),
            service_token=secrets.token_hex(20),
            api_token=secrets.token_urlsafe(32),
            ml_password=secrets.token_urlsafe(24),
            django_secret_key=secrets.token_urlsafe(50),
        )

    def save(self, file: Path) -> None:
        """Write them whole or not at all, for the owner only."""
        write_text(file, self.model_dump_json(indent=1) + "\n", mode=0o600)


def load(file: Path) -> Secrets:
    """The secrets in `file`.

    Raises:
        DiscLoopError: If the file is absent, readable by others, or not what this program wrote.
    """
    try:
        mode = stat.S_IMODE(os.stat(file).st_mode)
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DiscLoopError(
            f"{file}: no stack has been started on this home; start one: discloop up"
        ) from error
    except OSError as error:
        raise DiscLoopError(f"{file}: cannot be read ({error.strerror})") from error
    if mode & 0o077:
        raise DiscLoopError(
            f"{file}: expected mode 600, found {mode:o}; others could have read it: delete it"
        )
    try:
        return Secrets.model_validate_json(text)
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the file"
        raise DiscLoopError(f"{file}: {field}: {error.errors()[0]['msg']}") from error


def load_or_generate(file: Path) -> Secrets:
    """The secrets in `file`, made at the first call."""
    if not file.exists():
        Secrets.generate().save(file)
    return load(file)


def password() -> str:
    """A password that can be typed from a screen."""
    return secrets.token_urlsafe(12)
