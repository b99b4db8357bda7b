"""Refusing, and keeping note of it."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from domain.canary import CANARY
from label_studio_guard.tables import Denial

logger = logging.getLogger("label_studio_guard")
CANARYS_KEPT = timedelta(hours=1)


class Refused(Exception):
    """Not yours, or not for you. The reason is for the log; who asked is told no more than "no"."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def record(person: str, method: str, route: str, reason: str) -> None:
    """Write one line of the deny log: whom, what, why; nothing of the request's content."""
    Denial.objects.create(person=person[:40], method=method[:10], route=route[:200], reason=reason[:200])
    if person == CANARY:
        # It is refused every minute, as it should be: the last hour says it all.
        Denial.objects.filter(person=CANARY, at__lt=timezone.now() - CANARYS_KEPT).delete()
    logger.warning("denied %s %s to %s: %s", method, route, person, reason)


def answer(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """A refusal as the caller reads it: JSON for the API, a page for people."""
    if "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api/"):
        return render(request, "label_studio_guard/refused.html", {"detail": detail}, status=status)
    return JsonResponse({"detail": detail, "status_code": status}, status=status)
