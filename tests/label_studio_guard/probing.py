"""Trying every route by every method with A's numbers in path, query and body, and judging the answers.

Also runs inside Label Studio's process, with the Python of `.venv-ls`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from tests.label_studio_guard.world import World, proposal, reading

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PLAINLY = ("GET", "POST", "PATCH", "DELETE")
"""Also with nothing in query and body, for what Label Studio would choose by itself."""
PLAIN = "plainly"
REFUSED = "This is not open to you."
SIGNS_OUT = "^logout/?$"

ADMINISTRATION = ("admin/", "django-rq/", "^api/storages/")
"""Closed as a whole: one request a method and route is enough."""

# What names nothing of anybody: pages, scripts, the asker's own.
PUBLIC = frozenset(
    {
        *("", "live", "ready", "health/", "heidi-tips", "user/login/", "discloop/reading.js"),
        *(r"^favicon\.ico$", r"^sw\.js$", r"^sw-fallback\.js$", "^static/fonts/roboto/roboto.css$"),
        "^static/(?P<path>.*)$",
        "^react-app/(?P<path>.*)$",
        "^label-studio-frontend/(?P<path>.*)$",
        "^dm/(?P<path>.*)$",
    }
)
OWN = frozenset(
    {
        *("api/version", "discloop/worklists", "discloop/sign-in", "discloop/password", "^projects/"),
        *("^api/current-user/whoami", "^api/current-user/hotkeys/", "^api/users/$", "^api/projects/"),
    }
)
"""Answered to anybody who is signed in, with nothing but their own; read only."""


@dataclass(frozen=True)
class Probe:
    """One request, and the route it is meant for."""

    route: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    what: str = ""

    def __str__(self) -> str:
        return f"{self.method} /{self.path} {dict(self.query)} {self.what}".strip()


def sample_path(route: str, number: int) -> str:
    """A path that the route matches, with the number wherever it takes one."""
    named = {"app_label": "users", "path": "x", "url": "x", "format": "json", "sub_path": "x", "token": "x"}
    path = route
    for name in re.findall(r"<drf_format_suffix:(\w+)>", path):
        path = path.replace(f"<drf_format_suffix:{name}>", ".json")
    for kind, name in re.findall(r"<(?:(\w+):)?(\w+)>", re.sub(r"\(\?P<\w+>", "(", path)):
        whole = f"<{kind}:{name}>" if kind else f"<{name}>"
        path = path.replace(whole, named.get(name, str(number)))
    while match := re.search(r"\(\?P<(\w+)>((?:[^()\[\]]|\[[^\]]*\])*)\)\??", path):
        path = path[: match.start()] + named.get(match[1], str(number)) + path[match.end() :]
    path = path.removesuffix("$").replace("/?", "/").replace(r"\.", ".").replace("^", "")
    return path


def probes_of(routes: Iterable[str], world: World) -> Iterator[Probe]:
    """Every route and method with A's numbers everywhere."""
    a = world.a
    query = {"project": str(a.project), "task": str(a.task), "view": str(a.view), "id": "next_task"}
    body = {
        "project": a.project,
        "task": a.task,
        "annotation": a.annotation,
        "completed_by": a.user,
        "ids": [a.task],
        "result": proposal("planted"),
        "selectedItems": {"all": True, "excluded": []},
        "title": "planted",
        "data": {"image": "planted"},
        "email": "planted@discloop.example",
    }
    for route in routes:
        if route.startswith("discloop/control/"):
            continue  # tested with its own secret in test_control
        path = sample_path(route, a.user if "users" in route else a.task)
        for method in METHODS:
            has_body = method in ("POST", "PUT", "PATCH", "DELETE")
            closed_whole = route.startswith(ADMINISTRATION)
            if not closed_whole:
                yield Probe(route, method, path, query, body if has_body else None)
            if closed_whole or method in PLAINLY:
                plain: dict[str, Any] | None = {} if has_body and method != "DELETE" else None
                yield Probe(route, method, path, {}, plain, PLAIN)


def forbidden_to_owners(world: World) -> Iterator[Probe]:
    """What a reader may not do by hand, be it with their own things, or with one of A's slipped in."""
    a, b = world.a, world.b
    own = {"project": str(b.project)}
    result = reading("planted")
    answers = f"api/tasks/{b.task}/annotations/"
    answer, drafts = f"api/annotations/{b.annotation}/", f"api/tasks/{b.task}/drafts"
    post, patch = "^api/tasks/<int:pk>/annotations/", "^api/annotations/<int:pk>/"

    def probe(method: str, route: str, path: str, what: str, body: Any = None, **query: str) -> Probe:
        return Probe(route, method, path, query, body, what)

    for name, number in {
        "completed_by": a.user,
        "task": a.task,
        "project": a.project,
        "draft_id": a.draft,
        "parent_annotation": a.annotation,
        "parent_prediction": a.prediction,
    }.items():
        for body in ({"result": result, name: number}, {"result": result, name: f" {number}"}):
            yield probe("POST", post, answers, f"with A's {name}", body)
            yield probe("PATCH", patch, answer, f"with A's {name}", body)
    yield probe("POST", post, answers, "skipping", {"result": result, "was_cancelled": True})
    yield probe("POST", "^api/tasks/<int:pk>/drafts", drafts, "as A", {"result": result, "user": a.user})
    yield probe("DELETE", patch, answer, "deleting a reading")
    convert = "^api/annotations/<int:pk>/convert-to-draft"
    yield probe("POST", convert, f"api/annotations/{b.annotation}/convert-to-draft", "taking a reading back")
    actions = "^api/dm/actions/"
    for action in ("delete_tasks", "delete_tasks_annotations", "predictions_to_annotations"):
        yield probe("POST", actions, "api/dm/actions/", action, {}, **own, id=action)
    yield probe("POST", actions, "api/dm/actions/", "no action named", {}, **own)
    smart = "^api/ml/<int:pk>/interactive-annotating"
    yield probe("POST", smart, f"api/ml/{b.ml_backend}/interactive-annotating", "A's task", {"task": a.task})
    yield probe(
        "PATCH", "^api/projects/<int:pk>/", f"api/projects/{b.project}/", "own project", {"title": "mine"}
    )
    yield probe("GET", "^api/projects/<int:pk>/export", f"api/projects/{b.project}/export", "own export")
    yield probe("GET", "^api/tasks/", "api/tasks/", "two projects", None, **own, view=str(a.view))
    for name in ("query", "filters", "ordering", "expand"):
        yield probe("GET", "^api/tasks/", "api/tasks/", f"by {name}", None, **own, **{name: "{}"})
    for route in ("dm/project", "dm/columns", "dm/actions", "dm/views", "tasks", "ml", "label_links"):
        resolved = f"^api/{route}/$" if route in ("dm/views", "label_links") else f"^api/{route}/"
        yield probe("GET", resolved, f"api/{route}/", "no project named")
    for spelling in (f"+{a.project}", f" {a.project}", f"0{a.project}", chr(0x0660 + a.project)):
        yield probe("GET", "^api/dm/project/", "api/dm/project/", "oddly spelled", None, project=spelling)


def findings(
    probes: Iterable[Probe], client: httpx.Client, world: World, *, signed_in: bool, at_once: int = 1
) -> list[str]:
    """What is wrong with the answers: a word of A's, or a request the guard itself did not refuse."""

    def ask(probe: Probe) -> str | None:
        if probe.route == SIGNS_OUT and signed_in:
            return None
        answer = client.request(probe.method, f"/{probe.path}", params=dict(probe.query), json=probe.body)
        wrong = _judge(probe, answer, world, signed_in)
        return f"{probe}: {wrong} ({answer.status_code})" if wrong else None

    if at_once == 1:
        return [found for found in map(ask, probes) if found]
    with ThreadPoolExecutor(at_once) as pool:
        return [found for found in pool.map(ask, probes) if found]


def _judge(probe: Probe, answer: httpx.Response, world: World, signed_in: bool) -> str | None:
    said = answer.text + repr(list(answer.headers.items()))
    for word in world.words_of_a:
        if word in said:
            return f"shows {word!r}"
    if probe.route in PUBLIC and probe.method in ("GET", "HEAD", "POST"):
        return None
    if probe.route in OWN and probe.method in ("GET", "HEAD") and signed_in:
        return None if answer.status_code in (200, 302, 400, 403) else "answered oddly"
    if (probe.route, probe.method, answer.status_code) == ("discloop/password", "POST", 400) and signed_in:
        return None  # the form comes back: the present password was not in it
    return None if refused_by_guard(answer) else "not refused by the guard"


def refused_by_guard(answer: httpx.Response) -> bool:
    """Whether the guard, or what stands before it, said no: Label Studio's own answer is never asked for."""
    if answer.status_code == 401 or answer.request.method == "HEAD":
        return answer.status_code in (401, 403)
    return answer.status_code == 403 and (REFUSED in answer.text or "CSRF" in answer.text)
