"""People over HTTP: `/api/people` and the page `/people`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from sqlmodel import Session

from backend.access import RUNS_THE_LOOP, Actor, Engineer, FormOfOurs
from backend.errors import BackendError, Invalid
from backend.nouns import Advice, Navigation, Noun
from backend.pages import render
from backend.people import repository, service
from backend.people.schemas import NewPassword, NewPerson, OneTimePassword, PersonOut
from backend.people.tables import Person
from backend.resources import Reading, Using, Writing
from domain.taxonomy import Role

api = APIRouter(prefix="/api/people", tags=["people"])
pages = APIRouter(prefix="/people", include_in_schema=False)


@api.get("", response_model=list[PersonOut])
def list_people(session: Reading, _actor: Engineer) -> Sequence[Person]:
    """Everybody, retired people last."""
    return repository.every(session)


@api.post("", response_model=PersonOut, status_code=201)
def add_person(new: NewPerson, session: Writing, actor: Engineer, resources: Using) -> Person:
    """Add somebody."""
    return service.add(session, new, by=actor, clock=resources.clock)


@api.post("/{person}/retire", response_model=PersonOut)
def retire_person(person: str, session: Writing, actor: Engineer, resources: Using) -> Person:
    """End somebody's access; nobody is ever deleted."""
    return service.retire(session, person, by=actor, clock=resources.clock)


@api.post("/{person}/password")
def set_password(person: str, body: NewPassword, actor: Engineer, resources: Using) -> OneTimePassword:
    """Set a password, given or made; ends the person's sessions."""
    given = body.password.get_secret_value() if body.password else None
    chosen = service.set_password(resources, person, given, by=actor, final=body.final)
    return OneTimePassword(password=chosen)


@api.post("/{person}/sign-out", status_code=204)
def sign_out(person: str, actor: Engineer, resources: Using) -> None:
    """End the person's sessions; their password stays."""
    service.sign_out(resources, person, by=actor)


@pages.get("")
def show_people(request: Request, session: Reading, actor: Engineer) -> HTMLResponse:
    """The list, and the form to add somebody."""
    return _page(request, session, actor)


@pages.post("", dependencies=[FormOfOurs])
def add_by_form(
    request: Request,
    session: Writing,
    actor: Engineer,
    resources: Using,
    email: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "",
) -> Response:
    """Add somebody; with a wrong field the form comes back as it was sent, with the reason."""
    form = {"email": email, "name": name, "role": role}
    try:
        try:
            new = NewPerson.model_validate(form)
        except ValidationError as error:
            fields = ", ".join(str(problem["loc"][0]) for problem in error.errors(include_input=False))
            raise Invalid(f"please check: {fields}") from None
        service.add(session, new, by=actor, clock=resources.clock)
    except BackendError as error:
        return _page(request, session, actor, form=form, problem=str(error), status=error.status)
    return RedirectResponse("/people", status_code=303)


@pages.post("/{person}/retire", dependencies=[FormOfOurs])
def retire_by_form(person: str, session: Writing, actor: Engineer, resources: Using) -> RedirectResponse:
    """Retire somebody."""
    service.retire(session, person, by=actor, clock=resources.clock)
    return RedirectResponse("/people", status_code=303)


@pages.post("/{person}/sign-out", dependencies=[FormOfOurs])
def sign_out_by_form(person: str, actor: Engineer, resources: Using) -> RedirectResponse:
    """End somebody's sessions."""
    service.sign_out(resources, person, by=actor)
    return RedirectResponse("/people", status_code=303)


@pages.post("/{person}/password", dependencies=[FormOfOurs])
def password_by_form(person: str, request: Request, actor: Engineer, resources: Using) -> HTMLResponse:
    """Make a one-time password and show it once."""
    password = service.set_password(resources, person, None, by=actor)
    with resources.database.reading() as session:
        return _page(request, session, actor, shown_password=(service.get(session, person), password))


def _page(
    request: Request,
    session: Session,
    actor: Actor,
    *,
    form: dict[str, str] | None = None,
    problem: str | None = None,
    shown_password: tuple[Person, str] | None = None,
    status: int = 200,
) -> HTMLResponse:
    return render(
        request,
        "people/list.html",
        actor,
        status=status,
        people=repository.every(session),
        roles=list(Role),
        form=form or {"email": "", "name": "", "role": Role.READER.value},
        problem=problem,
        shown_password=shown_password,
    )


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if actor.role not in RUNS_THE_LOOP:
        return []
    readers = len(repository.active_with_role(session, Role.READER))
    if readers >= 2:
        return []
    text = f"Blind double reading needs two readers; there {'is one' if readers else 'is none'} so far."
    return [Advice(order=20, text=text, path="/people", label="Add people")]


NOUN = Noun(
    name="people",
    routers=(api, pages),
    navigation=Navigation("People", "/people", RUNS_THE_LOOP, order=20),
    advice=_advice,
)
