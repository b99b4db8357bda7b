"""What people open: home, their worklists, slices, and the way to our own pages."""

from __future__ import annotations

import base64
import hashlib
import time
from urllib.parse import urlencode, urlsplit

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_safe

from label_studio_guard import denials
from label_studio_guard.assertion import STATE, make_assertion
from label_studio_guard.configuration import configuration
from label_studio_guard.identity import Identity, StaleProjectionError, person_of, session_user
from label_studio_guard.rules import READING
from label_studio_guard.slices import UnknownSliceError, slice_file
from label_studio_guard.words import words

SUBMIT = "document.forms[0].submit()"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """To the worklists, to the backend's pages, or to the sign-in page."""
    user = session_user(request)
    if user is None:
        return redirect("/user/login/")
    try:
        identity = person_of(user)
    except StaleProjectionError:
        return denials.answer(request, 503, "The list of who may read what is out of date. Please try again.")
    if identity is None:
        return denials.answer(request, 403, "This is not open to you.")
    if identity.must_choose_password:
        return redirect("/discloop/password")
    return redirect("/discloop/worklists" if identity.role in READING else _backend_home())


def _backend_home() -> str:
    callback = urlsplit(configuration().backend_callback)
    return f"{callback.scheme}://{callback.netloc}/"


@require_safe
def worklists(request: HttpRequest) -> HttpResponse:
    """A reader's own projects, with what is left to read in each."""
    content = {
        "lists": _own_lists(_identity(request)),
        "user": request.user,
        "words": words(),
        "progress": _backend_home(),
    }
    return render(request, "label_studio_guard/worklists.html", content)


def _own_lists(identity: Identity) -> list[dict[str, object]]:
    from projects.models import Project
    from tasks.models import Annotation, Task

    lists: list[dict[str, object]] = []
    # Sagittal first: grades are decided there.
    for project in Project.objects.filter(pk__in=identity.projects).order_by("-title"):
        tasks = Task.objects.filter(project=project).count()
        done = Annotation.objects.filter(project=project, completed_by_id=identity.user).values("task")
        read = done.distinct().count()
        counts = words()["counts"].format(left=tasks - read, read=read, units=tasks)
        lists.append({"project": project, "left": tasks - read, "counts": counts})
    return lists


@require_safe
def slice_image(request: HttpRequest, project: int, key: str, number: str) -> HttpResponseBase:
    """One slice of a unit, to the project's member."""
    from tasks.models import Task

    identity = _identity(request)
    if project not in identity.projects or not Task.objects.filter(project=project, data__key=key).exists():
        raise Http404("no such slice")
    try:
        file = slice_file(configuration(), key, number)
    except UnknownSliceError:
        raise Http404("no such slice") from None
    response = FileResponse(file.open("rb"), content_type="image/png")
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = "inline"
    return response


@require_GET
def sign_in_elsewhere(request: HttpRequest) -> HttpResponse:
    """Post the guard's assertion to the backend's callback, from the browser."""
    state = request.GET.get("state", "")
    if not STATE.fullmatch(state):
        return denials.answer(request, 400, "Expected a state of 16 to 200 letters, digits, - or _.")
    user = session_user(request)
    identity = person_of(user) if user is not None else None
    if identity is None or identity.role is None:
        return redirect("/user/login/?" + urlencode({"next": request.get_full_path()}))
    configured = configuration()
    assertion = make_assertion(
        key=configured.assertion_key.get_secret_value(),
        audience=configured.backend_callback,
        person=identity.name,
        role=identity.role.value,
        state=state,
        now=time.time(),
    )
    content = {"callback": configured.backend_callback, "assertion": assertion, "state": state}
    response = render(request, "label_studio_guard/sign_in_elsewhere.html", content | {"submit": SUBMIT})
    script = base64.b64encode(hashlib.sha256(SUBMIT.encode()).digest()).decode()
    response["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    )
    response["Cache-Control"] = "no-store"
    return response


def _identity(request: HttpRequest) -> Identity:
    stage = getattr(request, "guard", None)
    if stage is None or stage.identity is None:
        raise Http404("not signed in")
    return stage.identity
