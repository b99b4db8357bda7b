"""What the guard keeps: the projection of people and projects, the outbox, denials, accesses.

Label Studio's rows are named by their number and not by a foreign key, so that its migrations and ours
stay apart.
"""

from __future__ import annotations

from django.db import models


class ProjectionState(models.Model):
    """One row: which projection is held, and since when."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    version = models.BigIntegerField()
    valid_for_s = models.FloatField()
    received_at = models.DateTimeField()


class Person(models.Model):
    """Somebody the backend named. A person it no longer names stays, inactive: they wrote readings."""

    id = models.CharField(primary_key=True, max_length=40)
    user = models.IntegerField(unique=True)
    role = models.CharField(max_length=20)
    active = models.BooleanField()
    must_choose_password = models.BooleanField(default=False)
    """The password was made by another: nothing opens until they choose their own."""


class ReadingProject(models.Model):
    """A Label Studio project and the one person it is for."""

    key = models.CharField(primary_key=True, max_length=100)
    project = models.IntegerField(unique=True)
    kind = models.CharField(max_length=20)
    plane = models.CharField(max_length=20)
    member = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="projects")
    active = models.BooleanField()


class OutboxState(models.Model):
    """One row, locked by every transaction that writes an entry: numbers commit in their order."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    epoch = models.UUIDField()
    last = models.BigIntegerField()


class OutboxEntry(models.Model):
    """One revision of one annotation, as it was saved."""

    id = models.BigIntegerField(primary_key=True)
    event = models.CharField(max_length=10)
    annotation = models.BigIntegerField(db_index=True)
    uid = models.CharField(max_length=36)
    task = models.BigIntegerField(null=True)
    task_key = models.CharField(max_length=64)
    project = models.BigIntegerField(null=True)
    project_key = models.CharField(max_length=100)
    actor = models.CharField(max_length=40, null=True)
    author = models.CharField(max_length=40, null=True)
    at = models.DateTimeField()
    lead_time_s = models.FloatField(null=True)
    cancelled = models.BooleanField()
    result = models.JSONField(null=True)
    sha256 = models.CharField(max_length=64)


class Denial(models.Model):
    """What was refused to whom, and why: no bodies, no tokens."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True)
    person = models.CharField(max_length=40)
    method = models.CharField(max_length=10)
    route = models.CharField(max_length=200)
    reason = models.CharField(max_length=200)


class Access(models.Model):
    """Annotations given to somebody other than their author: the service account, by the allowlist."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    person = models.CharField(max_length=40)
    route = models.CharField(max_length=200)
    subject = models.CharField(max_length=120)


class SignInFailure(models.Model):
    """A wrong password, kept for as long as it counts. The address is hashed."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    subject = models.CharField(max_length=64, db_index=True)
