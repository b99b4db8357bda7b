"""Lists that Label Studio answers with everything, narrowed to what is the asker's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def install() -> None:
    """Narrow the listings that the allowlist opens."""
    from data_manager.api import ViewAPI
    from labels_manager.api import LabelLinkAPI
    from projects.api import ProjectAPI, ProjectListAPI
    from users.api import UserAPI

    for view in (ProjectListAPI, ProjectAPI):
        _narrow(view, lambda identity: {"pk__in": identity.projects})
    _narrow(ViewAPI, lambda identity: {"project_id__in": identity.projects})
    _narrow(LabelLinkAPI, lambda identity: {"project_id__in": identity.projects})
    _narrow(UserAPI, lambda identity: {"pk": identity.user})


def _narrow(view: Any, condition: Callable[[Any], dict[str, object]]) -> None:
    everything = view.get_queryset

    @wraps(everything)
    def get_queryset(self: Any) -> Any:
        stage = getattr(self.request._request, "guard", None)
        if stage is None or stage.identity is None:
            return everything(self).none()
        return everything(self).filter(**condition(stage.identity))

    view.get_queryset = get_queryset
