"""Every revision of every annotation, written in the transaction that saves it.

Label Studio overwrites an annotation's row and tells others by a webhook it tries once; the outbox is
what cannot be missed. Numbers are handed out under a row lock that is held until commit, so a later
commit never appears below a number already served.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.signals import post_delete, post_save
from django.utils import timezone
from rest_framework.exceptions import NotFound

from label_studio_guard.actor import current_actor
from label_studio_guard.tables import OutboxEntry, OutboxState, Person, ReadingProject


def canonical(result: object) -> str:
    """One text for one result: keys sorted, no spaces, nothing escaped."""
    return json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(result: object) -> str:
    """SHA-256 of the canonical text, hexadecimal."""
    return hashlib.sha256(canonical(result).encode()).hexdigest()


def install() -> None:
    """Watch every way by which annotations are saved, and make each one transaction."""
    from tasks.models import Annotation, AnnotationQuerySetWithFSM, post_bulk_create

    post_save.connect(_saved, sender=Annotation, dispatch_uid="discloop-outbox-save")
    post_delete.connect(_deleted, sender=Annotation, dispatch_uid="discloop-outbox-delete")
    post_bulk_create.connect(_bulk_created, sender=Annotation, dispatch_uid="discloop-outbox-bulk")
    # Django sends post_save after the row's own statement, outside of any transaction of its own.
    Annotation.save = _or_not_found(_in_one_transaction(Annotation.save))
    Annotation.delete = _in_one_transaction(Annotation.delete)
    manager = type(Annotation.objects)
    manager.bulk_create = _in_one_transaction(manager.bulk_create)
    AnnotationQuerySetWithFSM.update = _refusing_content(AnnotationQuerySetWithFSM.update)
    AnnotationQuerySetWithFSM.bulk_update = _refusing_bulk(AnnotationQuerySetWithFSM.bulk_update)


def _in_one_transaction(save: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(save)
    def saved(*args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            return save(*args, **kwargs)

    return saved


def _or_not_found(save: Callable[..., Any]) -> Callable[..., Any]:
    """A task may be withdrawn while an answer to it is on its way: that is no fault of the server."""
    from tasks.models import Task

    @wraps(save)
    def saved(annotation: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return save(annotation, *args, **kwargs)
        except (Task.DoesNotExist, IntegrityError):
            if Task.objects.filter(pk=annotation.task_id).exists():
                raise
            raise NotFound from None

    return saved


FIELDS = (
    *("id", "event", "annotation", "uid", "task", "task_key", "project", "project_key"),
    *("actor", "author", "lead_time_s", "cancelled", "result", "sha256"),
)
CONTENT = frozenset({"result", "was_cancelled", "completed_by", "completed_by_id", "task", "task_id"})


def _refusing_content(update: Callable[..., int]) -> Callable[..., int]:
    """No revision without an entry: bulk updates send no signal."""

    @wraps(update)
    def updated(queryset: Any, **values: Any) -> int:
        if CONTENT & set(values):
            raise RuntimeError(f"annotations are not updated in bulk, got {sorted(CONTENT & set(values))}")
        return update(queryset, **values)

    return updated


def _refusing_bulk(update: Callable[..., int]) -> Callable[..., int]:
    @wraps(update)
    def updated(queryset: Any, objs: Any, fields: Sequence[str], *args: Any, **kwargs: Any) -> int:
        if CONTENT & set(fields):
            raise RuntimeError(f"annotations are not updated in bulk, got {sorted(CONTENT & set(fields))}")
        return update(queryset, objs, fields, *args, **kwargs)

    return updated


def _saved(sender: object, instance: Any, created: bool, **kwargs: Any) -> None:
    _write(instance, "created" if created else "updated")


def _deleted(sender: object, instance: Any, **kwargs: Any) -> None:
    _write(instance, "deleted")


def _bulk_created(sender: object, objs: Sequence[Any], **kwargs: Any) -> None:
    for annotation in objs:
        _write(annotation, "created")


def lock_state() -> OutboxState:
    """The numbering, locked until this transaction ends; made at the first call."""
    OutboxState.objects.get_or_create(pk=1, defaults={"epoch": uuid.uuid4(), "last": 0})
    return OutboxState.objects.select_for_update().get(pk=1)


def _write(annotation: Any, event: str) -> None:
    with transaction.atomic():
        state = lock_state()
        entry = _entry(annotation, event)
        if event == "updated" and _says_nothing_new(entry):
            return
        state.last += 1
        state.save(update_fields=["last"])
        entry.id = state.last
        entry.save(force_insert=True)


def _entry(annotation: Any, event: str) -> OutboxEntry:
    result = None if event == "deleted" else annotation.result
    key = ReadingProject.objects.filter(project=annotation.project_id).values_list("key", flat=True).first()
    author = Person.objects.filter(user=annotation.completed_by_id).values_list("id", flat=True).first()
    return OutboxEntry(
        event=event,
        annotation=annotation.pk,
        uid=str(annotation.unique_id or ""),
        task=annotation.task_id,
        task_key=_task_key(annotation.task_id),
        project=annotation.project_id,
        project_key=key or "",
        actor=current_actor(),
        author=author,
        at=timezone.now(),
        lead_time_s=annotation.lead_time,
        cancelled=bool(annotation.was_cancelled),
        result=result,
        sha256=digest(result),
    )


def _task_key(number: int | None) -> str:
    from tasks.models import Task

    data = Task.objects.filter(pk=number).values_list("data", flat=True).first()
    return str(data.get("key", ""))[:64] if isinstance(data, dict) else ""


def _says_nothing_new(entry: OutboxEntry) -> bool:
    """Label Studio saves a row again for its own bookkeeping; that is no revision."""
    last = OutboxEntry.objects.filter(annotation=entry.annotation, uid=entry.uid).order_by("-id").first()
    return last is not None and (last.sha256, last.cancelled, last.author, last.task) == (
        entry.sha256,
        entry.cancelled,
        entry.author,
        entry.task,
    )


def entries_after(cursor: int, limit: int) -> dict[str, Any]:
    """What the backend reads: entries above a cursor, ascending, and the highest number there is."""
    # The state first: what is committed between the two reads is served, never skipped.
    state = OutboxState.objects.filter(pk=1).first()
    rows = OutboxEntry.objects.filter(id__gt=cursor).order_by("id")[:limit]
    epoch = str(state.epoch) if state else None
    entries = [_as_json(row, epoch) for row in rows]
    return {"entries": entries, "last": state.last if state else 0, "epoch": epoch}


def _as_json(row: OutboxEntry, epoch: str | None) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS} | {
        "epoch": epoch,
        "at": row.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
