"""Wrong passwords, counted by account and by address in the database: a restart forgets none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from label_studio_guard.address import browsers_address
from label_studio_guard.configuration import configuration
from label_studio_guard.tables import SignInFailure

WINDOW = timedelta(minutes=15)
FAILURES_PER_ACCOUNT = 8
FAILURES_PER_ADDRESS = 40


def subjects(request: HttpRequest, email: str) -> dict[str, int]:
    """Hashes of the account and of the address that ask, each with its limit; the account first."""
    account = email.strip().lower()
    address = browsers_address(request.META, behind_proxy=configuration().behind_proxy)
    return {
        hashlib.sha256(f"account:{account}".encode()).hexdigest(): FAILURES_PER_ACCOUNT,
        hashlib.sha256(f"address:{address}".encode()).hexdigest(): FAILURES_PER_ADDRESS,
    }


def is_closed(limits: Mapping[str, int]) -> bool:
    """Whether one of them has failed too often within the window."""
    return any(_failures(subject) >= limit for subject, limit in limits.items())


def count(limits: Mapping[str, int]) -> None:
    """One more wrong password of each."""
    SignInFailure.objects.bulk_create([SignInFailure(subject=subject) for subject in limits])


def forget(limits: Mapping[str, int]) -> None:
    """A right password clears its account, not the address."""
    SignInFailure.objects.filter(subject=next(iter(limits))).delete()


def _failures(subject: str) -> int:
    since = timezone.now() - WINDOW
    SignInFailure.objects.filter(at__lt=since).delete()
    return int(SignInFailure.objects.filter(subject=subject, at__gte=since).count())
