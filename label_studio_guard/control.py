"""The backend's side door: projection, passwords, outbox, denials. Opened by one shared secret."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from pydantic import ValidationError

from label_studio_guard import LABEL_STUDIO, VERSION, denials, outbox
from label_studio_guard.configuration import configuration
from label_studio_guard.identity import age_of
from label_studio_guard.projection import Projection, ProjectionConflict, replace
from label_studio_guard.tables import Denial, OutboxState, Person, ProjectionState

SCHEME = "DiscLoop "
MOST_ENTRIES = 2000
SHORTEST_PASSWORD = 8

View = Callable[..., HttpResponse]


def _control(*methods: str) -> Callable[[View], View]:
    """A control endpoint: the secret, compared in constant time, and its methods."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @require_http_methods(list(methods))
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            given = request.headers.get("Authorization", "").encode()
            expected = SCHEME + configuration().guard_secret.get_secret_value()
            if not hmac.compare_digest(given, expected.encode()):
                denials.record("nobody", request.method or "", "discloop/control", "wrong control secret")
                return denials.answer(request, 401, "The control secret is missing or wrong.")
            return view(request, *args, **kwargs)

        return checked

    return decorate


@_control("GET")
def status(request: HttpRequest) -> HttpResponse:
    """Versions, the age of the projection, how far the outbox is."""
    held = ProjectionState.objects.filter(pk=1).first()
    state = OutboxState.objects.filter(pk=1).first()
    return JsonResponse(
        {
            "guard": VERSION,
            "label_studio": LABEL_STUDIO,
            "supported": True,
            "projection": {
                "version": held.version if held else None,
                "age_s": age_of(held) if held else None,
                "stale": held is None or age_of(held) > held.valid_for_s,
            },
            "outbox": {"last": state.last if state else 0, "epoch": str(state.epoch) if state else None},
            "denials": Denial.objects.count(),
        }
    )


@_control("PUT")
def put_projection(request: HttpRequest) -> HttpResponse:
    """Replace people and projects, or confirm them."""
    try:
        projection = Projection.model_validate_json(request.body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return denials.answer(request, 422, f"projection field {where or '(whole)'}: {first['msg']}")
    try:
        return JsonResponse(replace(projection))
    except ProjectionConflict as conflict:
        return denials.answer(request, 409, str(conflict))


@_control("POST")
def set_password(request: HttpRequest, person: str) -> HttpResponse:
    """Set somebody's password and end their sessions."""
    from users.models import User

    row = Person.objects.filter(pk=person).first()
    if row is None:
        return denials.answer(request, 404, "There is no such person.")
    try:
        password = json.loads(request.body)["password"]
    except (ValueError, KeyError, TypeError):
        password = None
    if not isinstance(password, str) or len(password) < SHORTEST_PASSWORD:
        return denials.answer(
            request, 422, f"field password: expected at least {SHORTEST_PASSWORD} characters"
        )
    user = User.objects.get(pk=row.user)
    user.set_password(password)
    user.save(update_fields=["password"])
    end_sessions(user.pk)
    return HttpResponse(status=204)


def end_sessions(user: int) -> None:
    """Delete somebody's sessions. A new password ends them anyway; this leaves no row behind."""
    for session in Session.objects.all():
        if session.get_decoded().get("_auth_user_id") == str(user):
            session.delete()


@_control("GET")
def get_outbox(request: HttpRequest) -> HttpResponse:
    """Entries above a cursor."""
    after, limit = _number(request, "after", 0), _number(request, "limit", 500)
    if after is None or limit is None:
        return denials.answer(request, 422, "after and limit: expected plain numbers")
    return JsonResponse(outbox.entries_after(after, max(1, min(limit, MOST_ENTRIES))))


@_control("GET")
def get_denials(request: HttpRequest) -> HttpResponse:
    """The deny log above a cursor."""
    after = _number(request, "after", 0)
    if after is None:
        return denials.answer(request, 422, "after: expected a plain number")
    rows = Denial.objects.filter(pk__gt=after).order_by("pk")[:MOST_ENTRIES]
    entries = [
        {
            "id": row.pk,
            "at": row.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "person": row.person,
            "method": row.method,
            "route": row.route,
            "reason": row.reason,
        }
        for row in rows
    ]
    return JsonResponse({"entries": entries})


def _number(request: HttpRequest, name: str, default: int) -> int | None:
    value = request.GET.get(name, str(default))
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
