"""The first decision: on the route Django resolved, before the view runs. Closed unless open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from label_studio_guard import denials, rest
from label_studio_guard.actor import acting, set_actor
from label_studio_guard.decision import SAFE, check_same_origin, decide_route
from label_studio_guard.denials import Refused
from label_studio_guard.identity import Identity, StaleProjectionError, person_of, session_user
from label_studio_guard.reading_page import with_additions
from label_studio_guard.rules import Rule, rule_of
from label_studio_guard.tables import Person

CONTROL = "discloop/control/"
STALE = "The list of who may read what is out of date. Nothing is lost; please try again in a minute."


class GuardMiddleware:
    """Denies by default; leaves on the request what the second decision needs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting(None):
            response = self.get_response(request)
        return with_additions(request, rest.never_uncleared(request, response))

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Let the view run, or answer in its place."""
        route = _route(request)
        if route.startswith(CONTROL):
            return None  # its views check their own secret
        user = session_user(request)
        rule = rule_of(route, request.method or "")
        try:
            return self._decide(request, view, rule, user, kwargs)
        except StaleProjectionError:
            return denials.answer(request, 503, STALE)
        except Refused as refusal:
            denials.record(_name(user), request.method or "", route, refusal.reason)
            return denials.answer(request, 403, "This is not open to you.")

    def _decide(
        self, request: HttpRequest, view: Any, rule: Rule | None, user: Any, kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if rule is None:
            if user is None:
                return _ask_to_sign_in(request)
            raise Refused("closed")
        if user is None:
            return self._without_session(request, view, rule)
        if rule.public:
            request.guard = rest.Stage(rule, None, cleared=True)
            return None
        identity = self._person(request, user)
        check_same_origin(request)
        if identity.must_choose_password and not rule.first:
            return _ask_for_own_password(request, identity, _route(request))
        decide_route(rule, identity, kwargs, request.GET)
        request.guard = rest.Stage(rule, identity)
        set_actor(identity.name)
        return None

    def _without_session(self, request: HttpRequest, view: Any, rule: Rule) -> HttpResponse | None:
        if rule.public:
            request.guard = rest.Stage(rule, None, cleared=True)
            return None
        if rule.service and rest.is_rest_view(view):
            request.guard = rest.Stage(rule, None)
            return None
        return _ask_to_sign_in(request)

    def _person(self, request: HttpRequest, user: Any) -> Identity:
        identity = person_of(user)
        if identity is None:
            raise Refused("not a person of the study")
        if request.user.pk != user.pk:
            raise Refused("another credential than the session")
        return identity


def _name(user: Any) -> str:
    if user is None:
        return "nobody"
    person = Person.objects.filter(user=user.pk).values_list("id", flat=True).first()
    return person or f"user {user.pk}"


def _route(request: HttpRequest) -> str:
    """The resolved route, as the rules name it."""
    match = request.resolver_match
    return match.route if match is not None else ""


def _ask_for_own_password(request: HttpRequest, identity: Identity, route: str) -> HttpResponse:
    """To the page where they choose one; anything but a page is refused."""
    if request.method in SAFE and "text/html" in request.headers.get("Accept", ""):
        return redirect("/discloop/password?" + urlencode({"next": request.get_full_path()}))
    denials.record(identity.name, request.method or "", route, "has no password of their own yet")
    return denials.answer(request, 403, "Choose a password of your own first.")


def _ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.method in SAFE and "text/html" in request.headers.get("Accept", ""):
        return redirect("/user/login/?" + urlencode({"next": request.get_full_path()}))
    return denials.answer(request, 401, "Please sign in.")
