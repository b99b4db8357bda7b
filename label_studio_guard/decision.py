"""May this identity do this? Asked on the resolved route, and again with the parsed body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, QueryDict

from label_studio_guard.denials import Refused
from label_studio_guard.identity import Identity
from label_studio_guard.ownership import check_body, check_owned, check_values
from label_studio_guard.rules import Rule

SAFE = frozenset({"GET", "HEAD"})
FORBIDDEN_PARAMETERS = frozenset({"query", "filters", "ordering", "selectedItems", "expand", "review"})
"""Query parameters by which Label Studio follows relations of a person's choosing."""
IMPORTED = frozenset({"annotations", "completions", "drafts"})
"""What an import may not carry: nobody writes another's annotation."""


def decide_route(rule: Rule, identity: Identity, path: Mapping[str, Any], query: QueryDict) -> None:
    """Check role, and every object that path and query name.

    Raises:
        Refused: With the reason for the log.
    """
    if not (rule.service if identity.is_service else identity.role in rule.roles):
        raise Refused("this route is not open to them")
    for name, kind in rule.path.items():
        check_owned(identity, kind, path[name])
    for name in rule.needs:
        if not query.get(name):
            raise Refused(f"{name} is not named")
    for name, values in query.lists():
        if not identity.is_service:
            _check_parameter(rule, name, values)
        check_values(identity, name, values)


def _check_parameter(rule: Rule, name: str, values: list[str]) -> None:
    allowed = rule.values.get(name)
    if allowed is not None:
        if not allowed.issuperset(values):
            raise Refused(f"parameter {name} has a value that is closed")
    elif name in FORBIDDEN_PARAMETERS:
        raise Refused(f"parameter {name} is closed")


def decide_body(rule: Rule, identity: Identity, body: object, has_body: bool) -> None:
    """Check every object that the body names, then cut a person's body to what they may say.

    Changes `body`: fields that are not theirs to set (author, ground truth, task, project) are dropped.

    Raises:
        Refused: With the reason for the log.
    """
    if not has_body:
        return
    check_body(identity, body)
    if identity.is_service:
        check_import(body)
        return
    if rule.body is None:
        raise Refused("no body is expected here")
    if not isinstance(body, dict):
        raise Refused("the body is not a JSON object")
    if body.get("was_cancelled"):
        raise Refused("a unit cannot be skipped")
    for name in [name for name in body if name not in rule.body]:
        del body[name]


def check_import(body: object) -> None:
    """Refuse annotations that arrive with tasks: their author would be whoever the file says."""
    for item in body if isinstance(body, list) else [body]:
        if isinstance(item, Mapping) and any(item.get(name) for name in IMPORTED):
            raise Refused("annotations cannot be imported")


def check_same_origin(request: HttpRequest) -> None:
    """Refuse what another site made the browser send.

    Label Studio's pages send no CSRF token with their API calls; browsers name the page's origin with
    every request that changes something.
    """
    if request.method in SAFE:
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.get_host():
        raise Refused("sent by another site")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Refused("sent by another site")
