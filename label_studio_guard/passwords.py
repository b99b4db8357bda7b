"""Choosing a password of one's own: forced at the first sign-in, possible at any time."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from label_studio_guard import denials, throttle
from label_studio_guard.identity import person_of, session_user
from label_studio_guard.sessions import end_sessions
from label_studio_guard.tables import Person
from label_studio_guard.words import words

SHORTEST = 12
RULES = (
    MinimumLengthValidator(SHORTEST),
    CommonPasswordValidator(),
    UserAttributeSimilarityValidator(("email", "first_name")),
)


@require_http_methods(["GET", "HEAD", "POST"])
def own_password(request: HttpRequest) -> HttpResponse:
    """The form, and what it sends."""
    user = session_user(request)
    identity = person_of(user) if user is not None else None
    if user is None or identity is None:
        return redirect("/user/login/")
    if request.method != "POST":
        return _form(request, identity.must_choose_password)
    subjects = throttle.subjects(request, user.email)
    if throttle.is_closed(subjects):
        denials.record(identity.name, "POST", "discloop/password", "too many wrong passwords")
        return denials.answer(request, 429, "Too many wrong passwords. Please wait 15 minutes.")
    problem = _problem(request, user)
    if problem is not None:
        old = request.POST.get("old", "")
        if old and not user.check_password(old):
            throttle.count(subjects)
        return _form(request, identity.must_choose_password, problem)
    _change(request, user)
    return redirect(_next(request))


def _problem(request: HttpRequest, user: Any) -> str | None:
    old, new = request.POST.get("old", ""), request.POST.get("new", "")
    if not user.check_password(old):
        return words()["wrong_present"]
    if new != request.POST.get("again"):
        return words()["not_twice"]
    if new == old:
        return words()["not_new"]
    try:
        validate_password(new, user, password_validators=RULES)
    except ValidationError as error:
        return " ".join(error.messages)
    return None


def _change(request: HttpRequest, user: Any) -> None:
    """Set it, end every other session, keep this one."""
    with transaction.atomic():
        user.set_password(request.POST["new"])
        user.save(update_fields=["password"])
        Person.objects.filter(user=user.pk).update(must_choose_password=False)
        end_sessions(user.pk, but=request.session.session_key)
    signed_in_at = request.session.get("last_login")
    update_session_auth_hash(request, user)
    request.session["last_login"] = signed_in_at


def _form(request: HttpRequest, must: bool, problem: str | None = None) -> HttpResponse:
    said = words()
    content = {
        "must": must,
        "problem": problem,
        "next": _next(request),
        "shortest": SHORTEST,
        "words": said,
        "new": said["new"].format(shortest=SHORTEST),
    }
    response = render(
        request, "label_studio_guard/password.html", content, status=200 if problem is None else 400
    )
    response["Cache-Control"] = "no-store"
    return response


def _next(request: HttpRequest) -> str:
    """Where they wanted to go; only here."""
    wanted = str(request.POST.get("next") or request.GET.get("next") or "/")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) else "/"
