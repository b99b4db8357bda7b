"""Lists that Label Studio answers with everything, narrowed to what is the asker's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

TELL_THE_ARM = (
    "predictions",
    "predictions_model_versions",
    "predictions_results",
    "predictions_score",
    "total_predictions",
)
"""Of a line of the list: whether proposals wait in a unit is for its reader to find on opening it."""


def install() -> None:
    """Narrow the listings that the allowlist opens."""
    from data_manager.api import TaskListAPI, ViewAPI
    from labels_manager.api import LabelLinkAPI
    from projects.api import ProjectAPI, ProjectListAPI
    from users.api import UserAPI

    for view in (ProjectListAPI, ProjectAPI):
        _narrow(view, lambda identity: {"pk__in": identity.projects})
    _narrow(ViewAPI, lambda identity: {"project_id__in": identity.projects})
    _narrow(LabelLinkAPI, lambda identity: {"project_id__in": identity.projects})
    _narrow(UserAPI, lambda identity: {"pk": identity.user})
    _conceal_arms(TaskListAPI)


def _narrow(view: Any, condition: Callable[[Any], dict[str, object]]) -> None:
    everything = view.get_queryset

    @wraps(everything)
    def get_queryset(self: Any) -> Any:
        stage = getattr(self.request._request, "guard", None)
        if stage is None or stage.identity is None:
            return everything(self).none()
        return everything(self).filter(**condition(stage.identity))

    view.get_queryset = get_queryset


def _conceal_arms(view: Any) -> None:
    whole = view.get

    @wraps(whole)
    def get(self: Any, request: Any) -> Any:
        response = whole(self, request)
        stage = getattr(request._request, "guard", None)
        listed = response.data
        if (
            stage is None
            or stage.identity is None
            or stage.identity.is_service
            or response.status_code != 200
        ):
            return response
        if isinstance(listed, dict):
            listed["total_predictions"] = 0
        for line in listed["tasks"] if isinstance(listed, dict) else listed:
            for name in TELL_THE_ARM:
                line.pop(name, None)
        return response

    view.get = get
