"""Label Studio's sign-in page, for people of the projection only, and not too often."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from users.forms import INVALID_USER_ERROR
from users.forms import LoginForm as LabelStudioLoginForm
from users.views import user_login

from label_studio_guard import denials, throttle
from label_studio_guard.identity import StaleProjectionError, person_of, require_fresh_projection


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
    limits = throttle.subjects(request, request.POST.get("email", ""))
    if throttle.is_closed(limits):
        denials.record("nobody", "POST", "user/login/", "too many wrong passwords")
        return denials.answer(request, 429, "Too many wrong passwords. Please wait 15 minutes.")
    response: HttpResponse = user_login(request)
    if response.status_code == 302:
        throttle.forget(limits)
    elif response.status_code == 200:
        throttle.count(limits)
    return response
