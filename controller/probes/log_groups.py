"""Log groups that a copy's first request made, and that outlive the copy.

Lambda and SageMaker write a copy's last lines some seconds after it has answered, and make the
group anew for them where it is gone. Such groups bear no tags, but their names hold the
copy's, which is used only once.
"""

from collections.abc import Callable, Iterator

from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.core.shadows import PREFIX, is_shadow
from controller.model.endpoint import EndpointKey, Kind, default_qualifier
from controller.model.errors import NotFound
from controller.model.policy import Scope
from controller.model.probe import Shadow, ShadowPhase
from controller.model.size import Size

FUNCTIONS, ENDPOINTS = "/aws/lambda/", "/aws/sagemaker/Endpoints/"


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


def groups_left(
    sessions: Sessions, scope: Scope, kind: Kind, stands: Callable[[Scope, str], bool], size: Size
) -> Iterator[Shadow]:
    """Groups of copies that stand no more, as shadows of which nothing else is left.

    Of what each was a copy nobody knows any more: its key bears its own name.
    """
    room = FUNCTIONS if kind is Kind.LAMBDA_FUNCTION else ENDPOINTS
    for arn in _named(sessions, scope, f"{room}{PREFIX}"):
        # arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*
        account, group = arn.split(":")[4], arn.split(":")[6]
        name = group.rpartition("/")[2]
        if not stands(scope, name):
            key = EndpointKey(account, scope.region, kind, name, default_qualifier(kind))
            yield Shadow(name, key, scope, size, ShadowPhase.REMOVING, 0.0, 0.0)


def _named(sessions: Sessions, scope: Scope, prefix: str) -> Iterator[str]:
    more: dict[str, str] = {}
    while True:
        with translated("logs", "DescribeLogGroups", scope):
            page = sessions.logs(scope).describe_log_groups(
                logGroupNamePrefix=prefix,
                **more,  # type: ignore[arg-type]
            )
        for group in page["logGroups"]:
            yield group["arn"]
        token = page.get("nextToken")
        if not token:
            return
        more = {"nextToken": token}
