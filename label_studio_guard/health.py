"""Is the process up, and can it work?"""

from __future__ import annotations

from django.db import connection
from django.db.utils import DatabaseError
from django.http import HttpRequest, JsonResponse

from label_studio_guard import LABEL_STUDIO, VERSION


def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"live": True})


def ready(request: HttpRequest) -> JsonResponse:
    """The database answers. A missing projection does not count: the backend needs this up to send one."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"ready": False, "reason": "the database does not answer"}, status=503)
    return JsonResponse({"ready": True, "guard": VERSION, "label_studio": LABEL_STUDIO})


def version(request: HttpRequest) -> JsonResponse:
    """What the page shows in its menu. Label Studio's own answer asks a package index."""
    return JsonResponse({"release": LABEL_STUDIO})


def no_tips(request: HttpRequest) -> JsonResponse:
    """The sign-in page asks for tips; Label Studio would fetch them from another host."""
    return JsonResponse({})
