"""The two accounts nobody signs in to: the service's, and the one that creates projects."""

from __future__ import annotations

from typing import Any

SERVICE_EMAIL = "service@discloop.invalid"
CREATOR_EMAIL = "creator@discloop.invalid"
RESERVED = frozenset({SERVICE_EMAIL, CREATOR_EMAIL})


def create_accounts(service_token: str) -> None:
    """Make both accounts and their organization, or bring them up to date.

    Label Studio hands a project creator's token to every ML backend, so projects belong to an account
    the guard lets do nothing.
    """
    from rest_framework.authtoken.models import Token

    creator = _account(CREATOR_EMAIL, "creator")
    service = _account(SERVICE_EMAIL, "service")
    organization = the_organization(creator)
    for user in (creator, service):
        organization.add_user(user)
        user.active_organization = organization
        user.save(update_fields=["active_organization"])
    token = Token.objects.filter(user=service).first()
    if token is None or token.key != service_token:
        Token.objects.filter(user=service).delete()
        Token.objects.create(user=service, key=service_token)


def the_organization(creator: Any) -> Any:
    """The one organization, with legacy tokens on: the service account needs one."""
    from organizations.models import Organization

    organization = Organization.objects.order_by("pk").first()
    if organization is None:
        organization = Organization.create_organization(
            created_by=creator, title="DiscLoop", legacy_api_tokens_enabled=True
        )
    settings = organization.jwt
    if not settings.legacy_api_tokens_enabled or settings.api_tokens_enabled:
        settings.legacy_api_tokens_enabled = True
        settings.api_tokens_enabled = False
        settings.save()
    return organization


def creator_account() -> Any:
    """The account that owns every project."""
    from users.models import User

    return User.objects.get(email=CREATOR_EMAIL)


def _account(email: str, name: str) -> Any:
    from users.models import User

    user = User.objects.filter(email=email).first()
    if user is None:
        user = User.objects.create_user(email=email, password=None, username=f"discloop-{name}")
    return user
