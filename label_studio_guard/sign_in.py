"""Label Studio's sign-in page, for people of the projection only, and not too often."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from users.forms import INVALID_USER_ERROR
from users.forms import LoginForm as LabelStudioLoginForm
from users.views import user_login

from label_studio_guard import denials
from label_studio_guard.identity import StaleProjectionError, person_of, require_fresh_projection
from label_studio_guard.tables import SignInFailure

WINDOW = timedelta(minutes=15)
FAILURES_PER_ACCOUNT = 8
FAILURES_PER_ADDRESS = 40


class LoginForm(LabelStudioLoginForm):
    """A right password of somebody the projection does not name is a wrong password."""

    def clean(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Check the password, then the person."""
        cleaned: dict[str, Any] = super().clean(*args, **kwargs)
        if person_of(cleaned["user"]) is None:
            raise forms.ValidationError(INVALID_USER_ERROR)
        return cleaned


def sign_in(request: HttpRequest) -> HttpResponse:
    """Label Studio's page, behind a limit on wrong passwords and a fresh projection."""
    try:
        require_fresh_projection()
    except StaleProjectionError:
        return denials.answer(
            request,
            503,
            "Nobody can sign in at the moment: the list of people is out of date. Please try again.",
        )
    if request.method != "POST":
        return user_login(request)
    subjects = _subjects(request)
    if any(_failures(subject) >= limit for subject, limit in subjects.items()):
        denials.record("nobody", "POST", "user/login/", "too many wrong passwords")
        return denials.answer(request, 429, "Too many wrong passwords. Please wait 15 minutes.")
    response: HttpResponse = user_login(request)
    if response.status_code == 302:
        SignInFailure.objects.filter(subject=next(iter(subjects))).delete()
    elif response.status_code == 200:
        SignInFailure.objects.bulk_create([SignInFailure(subject=subject) for subject in subjects])
    return response


def _subjects(request: HttpRequest) -> dict[str, int]:
    """Hashes of the account and of the address that ask, each with its limit."""
    account = request.POST.get("email", "").strip().lower()
    address = request.META.get("REMOTE_ADDR", "")
    return {
        hashlib.sha256(f"account:{account}".encode()).hexdigest(): FAILURES_PER_ACCOUNT,
        hashlib.sha256(f"address:{address}".encode()).hexdigest(): FAILURES_PER_ADDRESS,
    }


def _failures(subject: str) -> int:
    since = timezone.now() - WINDOW
    SignInFailure.objects.filter(at__lt=since).delete()
    return int(SignInFailure.objects.filter(subject=subject, at__gte=since).count())
