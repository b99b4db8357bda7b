"""Checking the guard's assertion: pure, no database."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from pydantic import ValidationError

from backend.errors import Forbidden
from backend.sessions.schemas import Assertion

LONGEST_LIFE_S = 120.0
CLOCK_SKEW_S = 5.0


def read_assertion(text: str, *, key: bytes, audience: str, state: str, now: datetime) -> Assertion:
    """Read `base64url(payload JSON).base64url(HMAC-SHA256(key, payload part))`.

    Args:
        text: The assertion.
        key: The key shared with the guard.
        audience: Our callback's address.
        state: What this browser's state cookie holds.
        now: An aware moment.

    Raises:
        Forbidden: If anything does not fit. The person is told to sign in again, not what was wrong
            with the signature.
    """
    payload, _, signature = text.partition(".")
    expected = hmac.new(key, payload.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(_decoded(signature), expected):
        raise Forbidden("this sign-in is not valid; please sign in again")
    try:
        assertion = Assertion.model_validate_json(_decoded(payload))
    except ValidationError:
        raise Forbidden("this sign-in is not as agreed with the guard; please sign in again") from None
    moment = now.timestamp()
    if assertion.aud != audience:
        raise Forbidden("this sign-in is meant for another address than this one's callback")
    if not assertion.iat - CLOCK_SKEW_S <= moment < assertion.exp:
        raise Forbidden("this sign-in has expired; please sign in again")
    if assertion.exp - assertion.iat > LONGEST_LIFE_S:
        raise Forbidden("this sign-in would live too long; please sign in again")
    if not state or not hmac.compare_digest(assertion.state.encode(), state.encode()):
        raise Forbidden("this sign-in was begun in another browser; please sign in again")
    return assertion


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return b""
