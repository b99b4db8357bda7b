"""What a noun brings to the application. `backend.app.NOUNS` lists them; nothing else needs to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter
from sqlmodel import Session

from backend.access import Actor
from backend.jobs.runner import Job
from backend.readings.interpretation import Interpreter
from domain.taxonomy import Role


@dataclass(frozen=True)
class Navigation:
    """An entry of the pages' menu, for these roles."""

    title: str
    path: str
    roles: frozenset[Role]
    order: int
    """Where in the menu: nouns follow the loop."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A station of the loop as the home page draws it."""

    key: str
    title: str
    order: int
    done: int
    total: int | None = None
    """Of how many, where that is known."""
    unit: str = ""
    """What is counted, in the plural."""
    note: str = ""
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What to do next, for whoever looks."""

    order: int
    text: str
    path: str | None = None
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Noun:
    """One folder's parts."""

    name: str
    routers: Sequence[APIRouter] = ()
    navigation: Navigation | None = None
    jobs: Sequence[Job] = ()
    stages: Callable[[Session], Sequence[Stage]] | None = None
    advice: Callable[[Session, Actor], Sequence[Advice]] | None = None
    interpreters: Mapping[str, Interpreter] = field(default_factory=dict)
    """By kind of Label Studio project: what a revision in it means."""
