"""People over HTTP: `/api/people` and the page `/people`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from sqlmodel import Session

from backend.access import SEES_THE_LOOP, Actor, FormOfOurs, Lead
from backend.errors import BackendError, Invalid, Unavailable
from backend.nouns import Advice, Navigation, Noun
from backend.pages import render
from backend.people import replacing, repository, service
from backend.people.schemas import (
    NewPassword,
    NewPerson,
    OneTimePassword,
    PersonOut,
    Replacement,
    Substitute,
)
from backend.people.tables import Person
from backend.resources import Reading, Resources, Using, Writing
from domain.taxonomy import Role

api = APIRouter(prefix="/api/people", tags=["people"])
pages = APIRouter(prefix="/people", include_in_schema=False)


@api.get("", response_model=list[PersonOut])
def list_people(session: Reading, _actor: Lead) -> Sequence[Person]:
    """Everybody, retired people last."""
    return repository.every(session)


@api.post("", response_model=PersonOut, status_code=201)
def add_person(new: NewPerson, session: Writing, actor: Lead, resources: Using) -> Person:
    """Add somebody."""
    return service.add(session, new, by=actor, clock=resources.clock)


@api.post("/{person}/retire", response_model=PersonOut)
def retire_person(person: str, session: Writing, actor: Lead, resources: Using) -> Person:
    """End somebody's access; nobody is ever deleted."""
    return service.retire(session, person, by=actor, clock=resources.clock)


@api.post("/{person}/password")
def set_password(person: str, body: NewPassword, actor: Lead, resources: Using) -> OneTimePassword:
    """Set a password, given or made; ends the person's sessions."""
    given = body.password.get_secret_value() if body.password else None
    chosen = service.set_password(resources, person, given, by=actor, final=body.final)
    return OneTimePassword(password=chosen)


@api.post("/{person}/replace")
def replace_person(person: str, body: Substitute, actor: Lead, resources: Using) -> Replacement:
    """End somebody's access; what they have not read goes to a substitute."""
    return replacing.replace(resources, person, body.substitute, by=actor)


@api.post("/{person}/sign-out", status_code=204)
def sign_out(person: str, actor: Lead, resources: Using) -> None:
    """End the person's sessions; their password stays."""
    service.sign_out(resources, person, by=actor)


@pages.get("")
def show_people(request: Request, actor: Lead, resources: Using) -> HTMLResponse:
    """The list, and the forms to add and to replace somebody."""
    return _page(request, actor, resources)


@pages.post("", dependencies=[FormOfOurs])
def add_by_form(
    request: Request,
    actor: Lead,
    resources: Using,
    email: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "",
) -> Response:
    """Add somebody and show their one-time password once.

    With a wrong field the form comes back as it was sent, with the reason.
    """
    form = {"email": email, "name": name, "role": role}
    try:
        with resources.database.writing() as session:
            added = service.add(session, _new_person(form), by=actor, clock=resources.clock).id
    except BackendError as error:
        return _page(request, actor, resources, form=form, problem=error)
    return _with_password(request, actor, resources, added)


def _new_person(form: dict[str, str]) -> NewPerson:
    try:
        return NewPerson.model_validate(form)
    except ValidationError as error:
        fields = ", ".join(str(problem["loc"][0]) for problem in error.errors(include_input=False))
        raise Invalid(f"please check: {fields}") from None


@pages.post("/replace", dependencies=[FormOfOurs])
def replace_by_form(
    request: Request,
    actor: Lead,
    resources: Using,
    leaver: Annotated[str, Form()] = "",
    substitute: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Replace somebody who leaves; the page says what became of their units."""
    try:
        done = replacing.replace(resources, leaver, substitute, by=actor)
    except BackendError as error:
        return _page(request, actor, resources, problem=error)
    return _page(request, actor, resources, replaced=done)


@pages.post("/{person}/retire", dependencies=[FormOfOurs])
def retire_by_form(person: str, session: Writing, actor: Lead, resources: Using) -> RedirectResponse:
    """Retire somebody."""
    service.retire(session, person, by=actor, clock=resources.clock)
    return RedirectResponse("/people", status_code=303)


@pages.post("/{person}/sign-out", dependencies=[FormOfOurs])
def sign_out_by_form(person: str, actor: Lead, resources: Using) -> RedirectResponse:
    """End somebody's sessions."""
    service.sign_out(resources, person, by=actor)
    return RedirectResponse("/people", status_code=303)


@pages.post("/{person}/password", dependencies=[FormOfOurs])
def password_by_form(person: str, request: Request, actor: Lead, resources: Using) -> HTMLResponse:
    """Make a one-time password and show it once."""
    return _with_password(request, actor, resources, person)


def _with_password(request: Request, actor: Actor, resources: Resources, person: str) -> HTMLResponse:
    try:
        password = service.set_password(resources, person, None, by=actor)
    except Unavailable as error:
        return _page(request, actor, resources, problem=error)
    return _page(request, actor, resources, shown_password=(person, password))


def _page(
    request: Request,
    actor: Actor,
    resources: Resources,
    *,
    form: dict[str, str] | None = None,
    problem: BackendError | None = None,
    shown_password: tuple[str, str] | None = None,
    replaced: Replacement | None = None,
) -> HTMLResponse:
    with resources.database.reading() as session:
        people, unread = repository.every(session), replacing.unread(session)
        may = {role: service.may_manage(actor, role) for role in Role}
        return render(
            request,
            "people/list.html",
            actor,
            status=200 if problem is None else problem.status,
            people=people,
            unread=unread,
            may=may,
            roles=[role for role in Role if may[role]],
            form=form or {"email": "", "name": "", "role": Role.READER.value},
            problem=problem,
            shown_password=shown_password and (service.get(session, shown_password[0]), shown_password[1]),
            replaced=replaced,
        )


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if actor.role not in SEES_THE_LOOP:
        return []
    advice = []
    readers = len(repository.active_with_role(session, Role.READER))
    if readers < 2:
        text = f"Blind double reading needs two readers; there {'is one' if readers else 'is none'} so far."
        advice.append(Advice(order=20, text=text, path="/people", label="Add people"))
    unread = replacing.unread(session)
    left = sum(unread[person.id] for person in repository.every(session) if not person.active)
    if left:
        text = f"{left} {'unit waits' if left == 1 else 'units wait'} for people who have left."
        advice.append(Advice(order=21, text=text, path="/people", label="Hand over"))
    return advice


NOUN = Noun(
    name="people",
    routers=(api, pages),
    navigation=Navigation("People", "/people", SEES_THE_LOOP, order=20),
    advice=_advice,
)
