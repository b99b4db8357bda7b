"""The guard's word that somebody is signed in: short-lived, for one audience, to be used once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid

ISSUER = "discloop-guard"
LIFETIME_S = 60
STATE = re.compile(r"[A-Za-z0-9_-]{16,200}", re.ASCII)


def make_assertion(*, key: str, audience: str, person: str, role: str, state: str, now: float) -> str:
    """Sign an assertion.

    Args:
        key: The key shared with the backend.
        audience: The backend's callback address.
        person: The person's id.
        role: Their role.
        state: The nonce that the backend gave the browser.
        now: Unix seconds.

    Returns:
        `payload.signature`, both base64url without padding; the signature is HMAC-SHA256 over the
        first part as written.
    """
    payload = {
        "iss": ISSUER,
        "aud": audience,
        "sub": person,
        "role": role,
        "iat": int(now),
        "exp": int(now) + LIFETIME_S,
        "jti": str(uuid.uuid4()),
        "state": state,
    }
    first = _base64url(json.dumps(payload, separators=(",", ":")).encode())
    signature = hmac.new(key.encode(), first.encode(), hashlib.sha256).digest()
    return f"{first}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
