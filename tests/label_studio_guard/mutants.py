"""Take one rule of the guard away at a time and count what the probes then find: never nothing.

Run by test_mutants with the Python of `.venv-ls`. Arguments: the address of an ML backend.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.label_studio_guard import in_process, probing
from tests.label_studio_guard.in_process import replaced
from tests.label_studio_guard.world import World, make_world, reading

Mutant = tuple[str, Callable[[], AbstractContextManager[None]], Callable[[World], list[str]]]


def probes_at(route: str, method: str) -> Callable[[World], list[str]]:
    """The general probes of one rule, and the special ones."""

    def look(world: World) -> list[str]:
        general = probing.probes_of([route], world)
        special = probing.forbidden_to_owners(world)
        probes = [p for p in (*general, *special) if (p.route, p.method) == (route, method)]
        return probing.findings(probes, world.b.session, world, signed_in=True)

    return look


def special(world: World) -> list[str]:
    """The special probes, all of them."""
    return probing.findings(probing.forbidden_to_owners(world), world.b.session, world, signed_in=True)


def rule_mutants() -> Iterator[Mutant]:
    """Each rule of the allowlist, without one of its conditions."""
    from label_studio_guard import rules

    def without(key: tuple[str, str], **changes: Any) -> Callable[[], AbstractContextManager[None]]:
        return lambda: replaced(rules.RULES, key, replace(rules.RULES[key], **changes))

    for (route, method), rule in rules.RULES.items():
        where = f"{method} {route}"
        if rule.path and rule.roles:
            yield f"path of {where}", without((route, method), path={}), probes_at(route, method)
        if rule.needs and rule.roles:
            yield f"needs of {where}", without((route, method), needs=frozenset()), probes_at(route, method)
        if rule.values and rule.body is not None:
            yield f"values of {where}", without((route, method), values={}), probes_at(route, method)
        if rule.service and not rule.roles:
            opened = without(
                (route, method), roles=rules.READING, path={}, needs=frozenset(), body=frozenset({"title"})
            )
            yield f"roles of {where}", opened, probes_at(route, method)


def closed_mutants() -> Iterator[Mutant]:
    """Some closed routes, opened."""
    from label_studio_guard import rules

    for route, method in (
        ("^api/projects/<int:pk>/export", "GET"),
        ("^api/tasks/<int:pk>/", "PATCH"),
        ("^api/annotations/<int:pk>/", "DELETE"),
        ("^api/annotations/<int:pk>/convert-to-draft", "POST"),
        ("^api/dm/views/(?P<pk>[^/.]+)/$", "PATCH"),
        ("^api/webhooks/", "GET"),
        ("^api/token/", "GET"),
        ("^api/current-user/token", "GET"),
        ("^api/organizations/<int:pk>/memberships", "GET"),
        ("^user/account/", "GET"),
        ("admin/", "GET"),
        ("django-rq/$", "GET"),
    ):
        opened = rules.Rule(rules.READING, body=frozenset({"title", "data"}))

        def open_it(
            key: tuple[str, str] = (route, method), rule: Any = opened
        ) -> AbstractContextManager[None]:
            return replaced(rules.RULES, key, rule)

        yield f"closed {method} {route}", open_it, probes_at(route, method)


def class_mutants() -> Iterator[Mutant]:
    """Each kind of condition, gone everywhere."""
    from projects.api import ProjectListAPI
    from users.api import UserAPI

    from label_studio_guard import decision, identity, middleware, ownership, rest, submission

    def patched(owner: Any, name: str, value: Any) -> Callable[[], AbstractContextManager[None]]:
        return lambda: replaced(owner, name, value)

    def nothing(*args: Any, **kwargs: Any) -> None:
        return None

    yield "query values", patched(decision, "check_values", nothing), special
    yield "closed parameters", patched(decision, "_check_parameter", nothing), special
    yield "body objects", patched(decision, "check_body", nothing), special
    yield "body of a person", patched(rest, "decide_body", nothing), _may_set_truth
    yield "validation", patched(submission, "validate", nothing), _saves_nonsense

    def long_chosen(user: Any) -> Any:
        found = identity.person_of(user)
        return found and replace(found, must_choose_password=False)

    yield "own password first", patched(middleware, "person_of", long_chosen), _reads_with_a_made_password
    yield "stale denies", patched(identity, "require_fresh_projection", nothing), _answers_when_stale
    yield "stale denies tokens", patched(rest, "require_fresh_projection", nothing), _serves_when_stale
    yield (
        "author of drafts",
        patched(ownership, "_written_by", lambda who, found, column: found),
        _sees_strangers,
    )
    for view, path in (
        (ProjectListAPI, "api/projects/"),
        (UserAPI, "api/users/"),
    ):
        everything = view.get_queryset.__wrapped__
        yield f"narrowed {path}", patched(view, "get_queryset", everything), _lists_foreign(path)


def _may_set_truth(world: World) -> list[str]:
    """A reader calls their own reading the ground truth."""
    body = {"result": reading("x"), "ground_truth": True}
    answer = world.b.session.patch(f"/api/annotations/{world.b.annotation}/", json=body)
    return ["set ground truth"] if answer.json().get("ground_truth") else []


def _saves_nonsense(world: World) -> list[str]:
    body = {"result": [{"type": "choices", "from_name": "nonsense", "value": {}}]}
    answer = world.b.session.post(f"/api/tasks/{world.b.task}/annotations/", json=body)
    return [] if answer.status_code == 400 else [f"answered {answer.status_code}"]


@contextmanager
def stale() -> Iterator[None]:
    """The projection, an hour too old."""
    from datetime import timedelta

    from label_studio_guard.tables import ProjectionState

    state = ProjectionState.objects.get(pk=1)
    then = state.received_at
    ProjectionState.objects.update(received_at=then - timedelta(days=2))
    try:
        yield
    finally:
        ProjectionState.objects.update(received_at=then)


def _answers_when_stale(world: World) -> list[str]:
    with stale():
        answer = world.b.session.get(f"/api/tasks/{world.b.task}/")
    return [] if answer.status_code == 503 else [f"answered {answer.status_code}"]


def _reads_with_a_made_password(world: World) -> list[str]:
    """B signs in with a password that another made, and opens a task."""
    from label_studio_guard.tables import Person

    Person.objects.filter(user=world.b.user).update(must_choose_password=True)
    try:
        answer = world.b.session.get(f"/api/tasks/{world.b.task}/")
    finally:
        Person.objects.filter(user=world.b.user).update(must_choose_password=False)
    return [] if answer.status_code == 403 else [f"answered {answer.status_code}"]


def _serves_when_stale(world: World) -> list[str]:
    with stale(), world.site.service() as service:
        answer = service.get(f"/api/tasks/{world.b.task}/")
    return [] if answer.status_code == 503 else [f"answered {answer.status_code}"]


def _sees_strangers(world: World) -> list[str]:
    """A draft that somebody else has in B's project."""
    from tasks.models import AnnotationDraft

    made = AnnotationDraft.objects.create(task_id=world.b.task, user_id=world.a.user, result=[])
    try:
        answer = world.b.session.get(f"/api/drafts/{made.pk}/")
    finally:
        AnnotationDraft.objects.filter(pk=made.pk).delete()
    return [] if probing.refused_by_guard(answer) else [f"answered {answer.status_code}"]


def _lists_foreign(path: str) -> Callable[[World], list[str]]:
    def look(world: World) -> list[str]:
        answer = world.b.session.get(f"/{path}", params={"project": world.b.project})
        listed = answer.json()
        rows = listed["results"] if isinstance(listed, dict) else listed
        return [] if len(rows) == 1 else [f"{len(rows)} rows"]

    return look


def tokens(world: World, headers: Iterable[dict[str, str]]) -> list[str]:
    """Requests with B's credentials other than a session, for B's own things and for A's."""
    found = []
    for header in headers:
        with world.site.client(header) as client:
            for path in (
                "api/tasks/{t}/",
                "api/projects/{p}/",
                "api/tasks/{t}/annotations/",
                "api/projects/",
            ):
                for things in (world.a, world.b):
                    answer = client.get("/" + path.format(t=things.task, p=things.project))
                    if not 401 <= answer.status_code <= 403:
                        found.append(f"{sorted(header)} {path}: {answer.status_code}")
    return found


def credential_mutants() -> Iterator[Mutant]:
    """The rules on credentials."""
    from rest_framework_simplejwt.tokens import AccessToken
    from users.models import User

    from label_studio_guard import identity, rest

    def trust_the_user(request: Any, stage: Any) -> Any:
        return identity.service_of(request.user) or identity.person_of(request.user)

    def with_token(world: World) -> list[str]:
        from rest_framework.authtoken.models import Token

        user = User.objects.get(pk=world.b.user)
        key = Token.objects.get_or_create(user=user)[0].key
        return tokens(world, [{"Authorization": f"Token {key}"}, {"Authorization": f"token {key}"}])

    def with_jwt(world: World) -> list[str]:
        user = User.objects.get(pk=world.b.user)
        settings = user.active_organization.jwt
        settings.api_tokens_enabled = True
        settings.save()
        token = str(AccessToken.for_user(user))
        return tokens(world, [{"Authorization": f"Bearer {token}"}])

    def mutated() -> AbstractContextManager[None]:
        return replaced(rest, "_identify", trust_the_user)

    yield "any token", mutated, with_token
    yield "any JWT", lambda: _jwt_accepted(mutated()), with_jwt


@contextmanager
def _jwt_accepted(rule_gone: AbstractContextManager[None]) -> Iterator[None]:
    """Label Studio's own JWT middleware, and no rule against it."""
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    middleware = list(settings.MIDDLEWARE)
    middleware.insert(
        middleware.index("label_studio_guard.middleware.GuardMiddleware"),
        "jwt_auth.middleware.JWTAuthenticationMiddleware",
    )
    with replaced(settings, "MIDDLEWARE", middleware):
        application = WSGIHandler()
    with (
        rule_gone,
        replaced(type(SITE), "application", application),
        replaced(SITE, "application", application),
    ):
        yield


class Snapshot:
    """The database as it is now, to come back to."""

    def __init__(self) -> None:
        from django.db import connection, connections

        self._file = Path(str(connection.settings_dict["NAME"]))
        connections.close_all()
        self._content = self._file.read_bytes()

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens in the block has not happened after it."""
        from django.db import connections

        try:
            yield
        finally:
            connections.close_all()
            for suffix in ("-wal", "-shm"):
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
            self._file.write_bytes(self._content)


def main() -> None:
    """Every mutant: what the probes find with the rule, and without it."""
    results = {}
    snapshot = Snapshot()
    for name, mutated, look in (
        *rule_mutants(),
        *closed_mutants(),
        *credential_mutants(),
        *class_mutants(),
    ):
        with snapshot.undone():
            intact = look(WORLD)
        try:
            with snapshot.undone(), mutated():
                gone = look(WORLD)
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            gone = [f"raised {error!r}"]
        results[name] = {"intact": intact, "gone": gone}
    in_process.answer(results)


if __name__ == "__main__":
    SITE = in_process.start(dict(os.environ))
    WORLD = make_world(SITE, sys.argv[1])
    main()
