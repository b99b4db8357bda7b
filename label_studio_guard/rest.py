"""The second decision: after the REST framework has authenticated, with the body it parsed.

Every REST view authenticates through `APIView.perform_authentication`; the decision is put behind it, so
that it sees the credential that counted and not what a header looked like.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.exceptions import APIException, NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from label_studio_guard import accesses, denials, submission
from label_studio_guard.actor import set_actor
from label_studio_guard.decision import decide_body, decide_route
from label_studio_guard.denials import Refused
from label_studio_guard.identity import Identity, StaleProjectionError, require_fresh_projection, service_of
from label_studio_guard.rules import Rule


@dataclass
class Stage:
    """What the first decision leaves for the second."""

    rule: Rule
    identity: Identity | None
    cleared: bool = False


class Unavailable(APIException):
    """The projection is stale."""

    status_code = 503
    default_detail = "The list of who may read what is out of date. Please try again in a minute."


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Label Studio's shape for an error, without a traceback in the log for what is no fault."""
    from core.utils.common import custom_exception_handler

    if not isinstance(error, APIException) or error.status_code >= 500:
        answered: Response | None = custom_exception_handler(error, context)
        return answered
    if not isinstance(error.detail, str):
        return custom_exception_handler(error, context)
    body = {"status_code": error.status_code, "detail": error.detail, "exc_info": None}
    if isinstance(error, submission.Incomplete):
        body["problems"] = error.problems
    return Response(body, status=error.status_code)


def is_rest_view(view: Any) -> bool:
    """Whether a resolved view is one of the REST framework's, so that the second decision will run."""
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    return isinstance(view_class, type) and issubclass(view_class, APIView)


def install() -> None:
    """Put the second decision behind every REST view's authentication."""
    authenticate = APIView.perform_authentication

    def guarded_authentication(view: APIView, request: Request) -> None:
        authenticate(view, request)
        decide(view, request)

    APIView.perform_authentication = guarded_authentication


def decide(view: APIView, request: Request) -> None:
    """Refuse, or let the view's handler run."""
    stage: Stage | None = getattr(request._request, "guard", None)
    name = "nobody"
    try:
        if stage is None:
            raise Refused("came past the guard")
        if stage.rule.public:
            return
        identity = _identify(request, stage)
        name = identity.name
        _decide_request(view, request, stage.rule, identity)
        accesses.note(identity, _route(request), view.kwargs, request.query_params)
    except StaleProjectionError:
        raise Unavailable from None
    except submission.Incomplete:
        # Also what somebody sends by hand that the page would not: it shows in the log.
        denials.record(name, request.method, _route(request), "a reading that cannot be kept")
        raise
    except Refused as refusal:
        denials.record(name, request.method, _route(request), refusal.reason)
        raise PermissionDenied("This is not open to you.") from None
    set_actor(identity.name)
    stage.identity = identity
    stage.cleared = True


def _route(request: Request) -> str:
    match = request._request.resolver_match
    return match.route if match else ""


def _identify(request: Request, stage: Stage) -> Identity:
    """The identity behind the credential that counted."""
    authenticator = request.successful_authenticator
    if authenticator is None:
        raise NotAuthenticated
    if type(authenticator) is SessionAuthentication:
        if stage.identity is None or request.user.pk != stage.identity.user:
            raise Refused("a session that is not theirs")
        return stage.identity
    if isinstance(authenticator, TokenAuthentication):
        service = service_of(request.user)
        if service is None:
            raise Refused("a token")
        require_fresh_projection()
        return service
    raise Refused("another credential than the session")


def _decide_request(view: APIView, request: Request, rule: Rule, identity: Identity) -> None:
    decide_route(rule, identity, view.kwargs, request.query_params)
    length = request._request.META.get("CONTENT_LENGTH") or "0"
    has_body = length != "0"
    if has_body and request._request.content_type != "application/json":
        raise Refused("the body is not JSON")
    body = _parsed(request) if has_body else None
    decide_body(rule, identity, body, has_body)
    if rule.validates and isinstance(body, dict):
        submission.validate(identity, view.kwargs, body, rule)


def _parsed(request: Request) -> Any:
    try:
        return request.data
    except RecursionError:
        raise Refused("the body is nested too deeply") from None


def never_uncleared(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Withhold what a REST view answered without the second decision: an alarm, not a path.

    `check_views` refuses at start the views that could do so; this holds should it be wrong.
    """
    stage: Stage | None = getattr(request, "guard", None)
    renderer = getattr(response, "accepted_renderer", None)
    if renderer is None or stage is None or stage.cleared or response.status_code >= 400:
        return response
    match = request.resolver_match
    denials.record("nobody", request.method or "", match.route if match else "", "answered past the guard")
    return denials.answer(request, 403, "This is not open to you.")
