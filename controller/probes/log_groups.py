"""Log groups that a copy's first request made, and that outlive the copy."""

from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.core.shadows import is_shadow
from controller.model.errors import NotFound
from controller.model.policy import Scope


def delete_log_group(sessions: Sessions, scope: Scope, name: str) -> None:
    """Delete a copy's log group; one that is not there is as good as deleted.

    Raises ValueError for any other than a copy's.
    """
    if not is_shadow(name.rpartition("/")[2]):
        raise ValueError(f"{name} is not the log group of a copy")
    try:
        with translated("logs", "DeleteLogGroup", scope, f"log group {name}"):
            sessions.logs(scope).delete_log_group(logGroupName=name)
    except NotFound:
        return
