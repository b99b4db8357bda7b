"""Who may ask: basic auth with the one password that the local stack generates."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from fastapi import Depends, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from ml_backend.settings import USER

Check = Callable[[HTTPBasicCredentials | None], None]


def require_password(password: str) -> Check:
    """A dependency that lets through the user `discloop` with this password, compared in constant time."""
    expected_user, expected_password = USER.encode(), password.encode()
    scheme = HTTPBasic(realm="discloop", auto_error=False)

    # As a default: an annotation is text here, and `scheme` is no name of the module.
    def check(given: HTTPBasicCredentials | None = Depends(scheme)) -> None:
        user = given.username.encode() if given else b""
        word = given.password.encode() if given else b""
        if not (
            secrets.compare_digest(user, expected_user) & secrets.compare_digest(word, expected_password)
        ):
            raise HTTPException(401, "sign in by basic auth", {"WWW-Authenticate": 'Basic realm="discloop"'})

    return check
