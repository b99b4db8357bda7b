"""Rounds over HTTP: `/api/rounds` and the pages `/rounds`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from backend.access import RUNS_THE_LOOP, SEES_THE_LOOP, Actor, Engineer, FormOfOurs, Lead
from backend.models import repository as models
from backend.nouns import Advice, Navigation, Noun, Stage
from backend.pages import render
from backend.resources import Reading, Resources, Using
from backend.rounds import repository, service
from backend.rounds.chart import chart_of
from backend.rounds.comparing import RoundsCompared, compare_rounds
from backend.rounds.policy import due, policy_of
from backend.rounds.proposing import PROPOSAL_JOB
from backend.rounds.scheduler import ROUNDS_JOB
from backend.rounds.schemas import DueOut, RoundDetail, RoundOut
from backend.rounds.shift import SHIFT_JOB
from domain.rounds import RUNNING, RoundState

api = APIRouter(prefix="/api/rounds", tags=["rounds"])
pages = APIRouter(prefix="/rounds", include_in_schema=False)

BY_HAND = "asked for by a person"


@api.get("")
def list_rounds(session: Reading, _actor: Lead) -> list[RoundOut]:
    """All rounds, newest first."""
    return [service.out(row) for row in repository.every(session)]


@api.post("", status_code=201)
def plan(actor: Engineer, resources: Using) -> RoundDetail:
    """Plan a round from the consensus there is."""
    return _detail(resources, _plan(resources, actor))


@api.get("/due")
def show_due(session: Reading, _actor: Lead, resources: Using) -> DueOut:
    """How far each trigger of the policy is from its threshold."""
    return due(session, resources, policy_of(resources.settings))


@api.get("/compare")
def compare(session: Reading, _actor: Lead, resources: Using, first: str, second: str) -> RoundsCompared:
    """Two rounds side by side: what was labelled between them, and what the gate found."""
    return compare_rounds(session, resources.settings, first, second)


@api.get("/{round_id}")
def show(round_id: str, _actor: Lead, resources: Using) -> RoundDetail:
    """One round with its progress, log and verdict."""
    return _detail(resources, round_id)


@api.get("/{round_id}/evidence")
def show_evidence(round_id: str, session: Reading, _actor: Lead, resources: Using) -> dict[str, Any]:
    """What the verdict rests on, as it was hashed."""
    return service.evidence(resources.settings, repository.get(session, round_id))


def _plan(resources: Resources, actor: Actor) -> str:
    with resources.database.writing() as session:
        policy = policy_of(resources.settings)
        return service.plan(session, policy=policy, why=BY_HAND, by=actor, clock=resources.clock).id


def _start(resources: Resources, round_id: str, actor: Actor) -> None:
    with resources.database.writing() as session:
        service.start(resources, session, round_id, by=actor)


def _cancel(resources: Resources, round_id: str, actor: Actor) -> None:
    with resources.database.writing() as session:
        service.cancel(session, round_id, by=actor, clock=resources.clock)


def _roll_back(resources: Resources, round_id: str, actor: Actor) -> None:
    with resources.database.writing() as session:
        service.roll_back(session, round_id, by=actor, clock=resources.clock)


def _approve(resources: Resources, round_id: str, actor: Actor) -> None:
    service.approve(resources, round_id, by=actor)


def _promote(resources: Resources, round_id: str, actor: Actor) -> None:
    service.promote(resources, round_id, by=actor)


STEPS: dict[str, Callable[[Resources, str, Actor], None]] = {
    "approve": _approve,
    "start": _start,
    "cancel": _cancel,
    "promote": _promote,
    "rollback": _roll_back,
}
"""What a person may do with a round, by the name in the address."""


def _add_step(name: str, act: Callable[[Resources, str, Actor], None]) -> None:
    def by_api(round_id: str, actor: Engineer, resources: Using) -> RoundDetail:
        act(resources, round_id, actor)
        resources.bell.ring()
        return _detail(resources, round_id)

    def by_form(round_id: str, actor: Engineer, resources: Using) -> RedirectResponse:
        act(resources, round_id, actor)
        resources.bell.ring()
        return RedirectResponse(f"/rounds/{round_id}", status_code=303)

    summary = act.__name__.strip("_").replace("_", " ").capitalize()
    api.add_api_route(f"/{{round_id}}/{name}", by_api, methods=["POST"], summary=summary, name=name)
    pages.add_api_route(f"/{{round_id}}/{name}", by_form, methods=["POST"], dependencies=[FormOfOurs])


for _name, _act in STEPS.items():
    _add_step(_name, _act)


def _detail(resources: Resources, round_id: str) -> RoundDetail:
    with resources.database.reading() as session:
        return service.detail(resources.settings, repository.get(session, round_id))


@pages.get("")
def list_page(request: Request, session: Reading, actor: Lead, resources: Using) -> HTMLResponse:
    """All rounds, and how far the next one is."""
    policy = policy_of(resources.settings)
    return render(
        request,
        "rounds/list.html",
        actor,
        rounds=[service.out(row) for row in repository.every(session)],
        due=due(session, resources, policy),
        policy=policy,
        waits=any(one.state is RoundState.PLANNED for one in repository.open_rounds(session)),
        may_act=actor.role in RUNS_THE_LOOP,
    )


@pages.post("", dependencies=[FormOfOurs])
def plan_by_form(actor: Engineer, resources: Using) -> RedirectResponse:
    """The page's button."""
    return RedirectResponse(f"/rounds/{_plan(resources, actor)}", status_code=303)


@pages.get("/policy")
def policy_page(request: Request, session: Reading, actor: Lead, resources: Using) -> HTMLResponse:
    """Every threshold, and how far the next round is from each."""
    policy = policy_of(resources.settings)
    file = resources.settings.policy
    return render(
        request,
        "rounds/policy.html",
        actor,
        policy=policy,
        due=due(session, resources, policy),
        file=file.name if file else None,
    )


@pages.get("/compare")
def compare_page(
    request: Request, session: Reading, actor: Lead, resources: Using, first: str, second: str
) -> HTMLResponse:
    """Two rounds side by side."""
    pair = compare_rounds(session, resources.settings, first, second)
    return render(request, "rounds/compare.html", actor, pair=pair)


@pages.get("/{round_id}")
def page(request: Request, round_id: str, session: Reading, actor: Lead, resources: Using) -> HTMLResponse:
    """One round: progress, log, evidence, and what may be done with it."""
    row = repository.get(session, round_id)
    shown = service.detail(resources.settings, row)
    active = models.current(session)
    return render(
        request,
        "rounds/show.html",
        actor,
        round=shown,
        chart=chart_of(shown.history),
        running=row.state in RUNNING or row.state is RoundState.QUEUED,
        is_active=active is not None and active.version == row.challenger,
        looks=repository.looks(session, row.test_set or ""),
        before=repository.before(session, row),
        may_act=actor.role in RUNS_THE_LOOP,
    )


def _stages(session: Session) -> list[Stage]:
    rounds = repository.every(session)
    ended = [row for row in rounds if row.ended_at is not None]
    note = f"the last is {rounds[0].state.value.replace('_', ' ')}" if rounds else "none yet"
    return [
        Stage(
            key="rounds",
            title="Retrained",
            order=80,
            done=len(ended),
            unit="rounds",
            note=note,
            path="/rounds",
        )
    ]


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if actor.role not in RUNS_THE_LOOP:
        return []
    asked = {
        RoundState.PLANNED: ("is planned and waits for approval.", "Look and approve"),
        RoundState.APPROVED: ("is approved and can start.", "Start it"),
        RoundState.PASSED: ("has passed the gate; its model can be promoted.", "Read the evidence"),
        RoundState.FAILED: ("has failed.", "See why"),
    }
    newest = repository.every(session)[:1]
    return [
        Advice(
            order=15,
            text=f"Round {row.id} {asked[row.state][0]}",
            path=f"/rounds/{row.id}",
            label=asked[row.state][1],
        )
        for row in newest
        if row.state in asked
    ]


NOUN = Noun(
    name="rounds",
    routers=(api, pages),
    navigation=Navigation("Rounds", "/rounds", SEES_THE_LOOP, order=80),
    jobs=(ROUNDS_JOB, PROPOSAL_JOB, SHIFT_JOB),
    stages=_stages,
    advice=_advice,
)
