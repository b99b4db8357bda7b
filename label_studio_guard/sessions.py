"""Ending somebody's sessions. They are rows: what is deleted opens nothing."""

from __future__ import annotations

from django.contrib.sessions.models import Session


def end_sessions(user: int, *, but: str | None = None) -> int:
    """Delete a Label Studio user's sessions, all or all but one; how many ended."""
    ended = 0
    for session in Session.objects.exclude(session_key=but or ""):
        if session.get_decoded().get("_auth_user_id") == str(user):
            session.delete()
            ended += 1
    return ended
