"""The allowlist: which resolved route, by which method, is open to whom. What is not here is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.taxonomy import Role

READING = frozenset({Role.READER, Role.ADJUDICATOR})
EVERYONE = frozenset(Role)
NOBODY: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Rule:
    """Who may use one route by one method, and what it names."""

    roles: frozenset[Role] = NOBODY
    """People, by session only."""
    service: bool = False
    """The service account, by its token only."""
    public: bool = False
    """Also without signing in."""
    path: Mapping[str, str] = field(default_factory=dict)
    """What the numbers of the path name."""
    needs: frozenset[str] = frozenset()
    """Query parameters without which Label Studio would choose for itself."""
    body: frozenset[str] | None = None
    """The only fields of a person's JSON body that are passed on; None: there may be no body."""
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Query parameters with the only values a person may give them here."""
    validates: bool = False
    """A reading is checked before it is saved."""
    first: bool = False
    """Open to somebody who has yet to choose a password of their own."""


def _read(path: Mapping[str, str] | None = None, *, needs: str = "", service: bool = False) -> Rule:
    return Rule(READING, service=service, path=path or {}, needs=frozenset(needs.split()))


def _write(path: Mapping[str, str], body: str, *, validates: bool = False) -> Rule:
    return Rule(READING, path=path, body=frozenset(body.split()), validates=validates)


_PUBLIC = Rule(EVERYONE, service=True, public=True)
_ANY_PERSON = Rule(EVERYONE)
_FIRST = Rule(EVERYONE, first=True)
_SERVICE = Rule(service=True)
_TASK = {"pk": "task"}
_PROJECT = {"pk": "project"}
_ANNOTATION = {"pk": "annotation"}
_DRAFT = {"pk": "draft"}
_READING_FIELDS = "result lead_time draft_id started_at parent_prediction parent_annotation unique_id"
_DRAFT_FIELDS = "result lead_time was_postponed"

RULES: dict[tuple[str, str], Rule] = {
    # Ours. Each of these views decides for itself as well.
    ("", "GET"): _PUBLIC,
    ("live", "GET"): _PUBLIC,
    ("ready", "GET"): _PUBLIC,
    ("heidi-tips", "GET"): _PUBLIC,
    ("api/version", "GET"): Rule(EVERYONE, service=True),
    ("user/login/", "GET"): _PUBLIC,
    ("user/login/", "POST"): _PUBLIC,
    ("^logout/?$", "GET"): _FIRST,
    ("^logout/?$", "POST"): _FIRST,
    ("discloop/password", "GET"): _FIRST,
    ("discloop/password", "POST"): _FIRST,
    ("discloop/reading.js", "GET"): _PUBLIC,
    ("discloop/sign-in", "GET"): _ANY_PERSON,
    ("discloop/worklists", "GET"): Rule(READING),
    ("discloop/slices/<int:project>/<str:key>/<str:number>", "GET"): Rule(
        READING, path={"project": "project"}
    ),
    # What a browser needs to show any page.
    ("health/", "GET"): _PUBLIC,
    ("^static/(?P<path>.*)$", "GET"): _PUBLIC,
    ("^static/fonts/roboto/roboto.css$", "GET"): _PUBLIC,
    ("^react-app/(?P<path>.*)$", "GET"): _PUBLIC,
    ("^label-studio-frontend/(?P<path>.*)$", "GET"): _PUBLIC,
    ("^dm/(?P<path>.*)$", "GET"): _PUBLIC,
    (r"^favicon\.ico$", "GET"): _PUBLIC,
    (r"^sw\.js$", "GET"): _PUBLIC,
    (r"^sw-fallback\.js$", "GET"): _PUBLIC,
    # The reading page.
    ("^projects/", "GET"): Rule(READING),
    ("^projects/<int:pk>/", "GET"): _read(_PROJECT),
    ("^projects/<int:pk>/data/", "GET"): _read(_PROJECT),
    ("^api/current-user/whoami", "GET"): Rule(READING, service=True),
    ("^api/current-user/hotkeys/", "GET"): _read(),
    ("^api/users/$", "GET"): _read(),
    ("^api/users/(?P<pk>[^/.]+)/$", "GET"): _read({"pk": "user"}),
    ("^api/projects/", "GET"): _read(service=True),
    ("^api/projects/<int:pk>/", "GET"): _read(_PROJECT, service=True),
    ("^api/projects/<int:pk>/next/", "GET"): _read(_PROJECT),
    ("^api/projects/<int:pk>/label-stream-history/", "GET"): _read(_PROJECT),
    ("^api/dm/project/", "GET"): _read(needs="project"),
    ("^api/dm/columns/", "GET"): _read(needs="project"),
    ("^api/dm/actions/", "GET"): _read(needs="project"),
    ("^api/dm/actions/", "POST"): Rule(
        READING, needs=frozenset({"project", "id"}), body=frozenset(), values={"id": frozenset({"next_task"})}
    ),
    ("^api/label_links/$", "GET"): Rule(
        READING, needs=frozenset({"project"}), values={"expand": frozenset({"label"})}
    ),
    ("^api/dm/views/$", "GET"): _read(needs="project"),
    ("^api/dm/views/(?P<pk>[^/.]+)/$", "GET"): _read({"pk": "view"}),
    ("^api/tasks/", "GET"): _read(needs="project", service=True),
    ("^api/tasks/<int:pk>/", "GET"): _read(_TASK, service=True),
    ("^api/tasks/<int:pk>/annotations/", "GET"): _read(_TASK, service=True),
    ("^api/tasks/<int:pk>/annotations/", "POST"): _write(_TASK, _READING_FIELDS, validates=True),
    ("^api/tasks/<int:pk>/drafts", "GET"): _read(_TASK),
    ("^api/tasks/<int:pk>/drafts", "POST"): _write(_TASK, _DRAFT_FIELDS),
    ("^api/tasks/<int:pk>/annotations/<int:annotation_id>/drafts", "GET"): _read(
        _TASK | {"annotation_id": "annotation"}
    ),
    ("^api/tasks/<int:pk>/annotations/<int:annotation_id>/drafts", "POST"): _write(
        _TASK | {"annotation_id": "annotation"}, _DRAFT_FIELDS
    ),
    ("^api/annotations/<int:pk>/", "GET"): _read(_ANNOTATION, service=True),
    ("^api/annotations/<int:pk>/", "PATCH"): _write(_ANNOTATION, _READING_FIELDS, validates=True),
    ("^api/drafts/<int:pk>/", "GET"): _read(_DRAFT),
    ("^api/drafts/<int:pk>/", "PATCH"): _write(_DRAFT, _DRAFT_FIELDS),
    ("^api/drafts/<int:pk>/", "DELETE"): _read(_DRAFT),
    ("^api/ml/", "GET"): _read(needs="project", service=True),
    ("^api/ml/<int:pk>/interactive-annotating", "POST"): _write({"pk": "ml_backend"}, "task context"),
    # The service account only.
    ("^api/tasks/<int:pk>/", "DELETE"): Rule(service=True, path={"pk": "unread_task"}),
    ("^api/projects/<int:pk>/import", "POST"): Rule(service=True, path=_PROJECT),
    ("^api/projects/<int:pk>/import/predictions", "POST"): Rule(service=True, path=_PROJECT),
    ("^api/projects/<int:pk>/tasks/", "GET"): Rule(service=True, path=_PROJECT),
    ("^api/predictions/$", "GET"): Rule(service=True, needs=frozenset({"project"})),
    ("^api/predictions/$", "POST"): _SERVICE,
    ("^api/predictions/(?P<pk>[^/.]+)/$", "DELETE"): Rule(service=True, path={"pk": "prediction"}),
    ("^api/ml/", "POST"): _SERVICE,
    ("^api/ml/<int:pk>", "GET"): Rule(service=True, path={"pk": "ml_backend"}),
    ("^api/ml/<int:pk>", "PATCH"): Rule(service=True, path={"pk": "ml_backend"}),
    ("^api/ml/<int:pk>", "DELETE"): Rule(service=True, path={"pk": "ml_backend"}),
}
"""By resolved route, as Django joins it, and method; HEAD is GET."""


def rule_of(route: str, method: str) -> Rule | None:
    """The rule, or None: closed."""
    return RULES.get((route, "GET" if method == "HEAD" else method))
