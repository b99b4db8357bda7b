"""The backend's side door: projection, passwords, outbox, denials. Opened by one shared secret."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from pydantic import ValidationError

from domain.canary import CANARY
from label_studio_guard import LABEL_STUDIO, VERSION, denials, outbox
from label_studio_guard.configuration import configuration
from label_studio_guard.identity import age_of
from label_studio_guard.projection import Projection, ProjectionConflict, replace
from label_studio_guard.sessions import end_sessions
from label_studio_guard.tables import Access, Denial, OutboxState, Person, ProjectionState

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
            # Without the canary's: they come every minute, and an alert counts these.
            "denials": Denial.objects.exclude(person=CANARY).count(),
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
    """Set somebody's password, end their sessions; unless it is `final`, they must choose their own next."""
    from users.models import User

    row = Person.objects.filter(pk=person).first()
    if row is None:
        return denials.answer(request, 404, "There is no such person.")
    try:
        body = json.loads(request.body)
        password, final = body["password"], body.get("final", False)
    except (ValueError, KeyError, TypeError, AttributeError):
        password, final = None, False
    if not isinstance(password, str) or len(password) < SHORTEST_PASSWORD or not isinstance(final, bool):
        return denials.answer(
            request, 422, f"field password: expected at least {SHORTEST_PASSWORD} characters"
        )
    user = User.objects.get(pk=row.user)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        Person.objects.filter(pk=person).update(must_choose_password=not final)
        end_sessions(user.pk)
    return HttpResponse(status=204)


@_control("POST")
def sign_out(request: HttpRequest, person: str) -> HttpResponse:
    """End somebody's sessions; their password stays."""
    row = Person.objects.filter(pk=person).first()
    if row is None:
        return denials.answer(request, 404, "There is no such person.")
    end_sessions(row.user)
    return HttpResponse(status=204)


@_control("GET")
def get_outbox(request: HttpRequest) -> HttpResponse:
    """Entries above a cursor."""
    after, limit = _number(request, "after", 0), _number(request, "limit", 500)
    if after is None or limit is None:
        return denials.answer(request, 422, "after and limit: expected plain numbers")
    return JsonResponse(outbox.entries_after(after, max(1, min(limit, MOST_ENTRIES))))


@_control("GET")
def get_denials(request: HttpRequest) -> HttpResponse:
    """The deny log."""
    return _log(request, Denial, "person", "method", "route", "reason")


@_control("GET")
def get_accesses(request: HttpRequest) -> HttpResponse:
    """The access log."""
    return _log(request, Access, "person", "route", "subject")


def _log(request: HttpRequest, table: Any, *fields: str) -> HttpResponse:
    """Lines above a cursor, oldest first; or the `newest`, without those of the person `but`."""
    after, newest = _number(request, "after", 0), _number(request, "newest", 0)
    if after is None or newest is None:
        return denials.answer(request, 422, "after and newest: expected plain numbers")
    rows = table.objects.filter(pk__gt=after).exclude(person=request.GET.get("but", ""))
    rows = rows.order_by("-pk" if newest else "pk")[: min(newest or MOST_ENTRIES, MOST_ENTRIES)]
    entries = [
        {"id": row.pk, "at": row.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        | {name: getattr(row, name) for name in fields}
        for row in rows
    ]
    return JsonResponse({"entries": entries})


def _number(request: HttpRequest, name: str, default: int) -> int | None:
    value = request.GET.get(name, str(default))
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
