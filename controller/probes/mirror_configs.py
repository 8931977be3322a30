"""Configurations with a shadow variant of ours that no journal knows of, and nothing uses.

One that is live is not looked for here: its endpoint's next tick finds it, and deploys the
configuration of before first (`runtime.mirroring`).
"""

from collections.abc import Iterator

from controller.aws.endpoint_configs import ENDPOINT_TAG, Document, expiry_of, is_ours
from controller.aws.endpoints import config_tags, describe_config
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.core.shadows import MIRROR_PREFIX
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import Conflict, NotFound
from controller.model.policy import Scope
from controller.model.probe import Shadow, ShadowPhase
from controller.model.size import RealtimeSize


def stray_configs(sessions: Sessions, scope: Scope, now_s: float) -> list[Shadow]:
    """Expired ones that their endpoints neither use nor move to, as shadows to remove."""
    found = []
    for name, arn in _named(sessions, scope):
        try:
            tags = config_tags(sessions, scope, name, arn)
        except NotFound:
            continue  # deleted since it was listed
        endpoint, expires_at_s = tags.get(ENDPOINT_TAG, ""), expiry_of(tags)
        if not is_ours(name, tags) or expires_at_s is None or now_s < expires_at_s:
            continue
        if name not in _in_use(sessions, scope, endpoint):
            found.append(_stray(name, arn, endpoint, scope, expires_at_s))
    return found


def remove_config(sessions: Sessions, shadow: Shadow) -> bool:
    """Delete one, unless it is in use after all; True once it is gone, or is not to go."""
    scope = shadow.scope
    try:
        config = describe_config(sessions, scope, shadow.id)
        tags = config_tags(sessions, scope, shadow.id, config["EndpointConfigArn"])
    except NotFound:
        return True
    used = shadow.id in _in_use(sessions, scope, shadow.key.name)
    if used or not is_ours(shadow.id, tags):
        return True
    try:
        with translated("sagemaker", "DeleteEndpointConfig", scope, f"config {shadow.id}"):
            sessions.sagemaker_writes(scope).delete_endpoint_config(EndpointConfigName=shadow.id)
    except (Conflict, NotFound):
        pass  # in use by now, or gone: the next look shows
    return False


def _stray(name: str, arn: str, endpoint: str, scope: Scope, expires_at_s: float) -> Shadow:
    return Shadow(
        id=name,
        key=EndpointKey(arn.split(":")[4], scope.region, Kind.REALTIME_ENDPOINT, endpoint),
        scope=scope,
        size=RealtimeSize("unknown", 1, 1),
        phase=ShadowPhase.CREATING,
        created_at_s=expires_at_s,
        expires_at_s=expires_at_s,
    )


def _in_use(sessions: Sessions, scope: Scope, endpoint: str) -> set[str | None]:
    """Names of the configurations that an endpoint has and moves to."""
    try:
        with translated("sagemaker", "DescribeEndpoint", scope, f"endpoint {endpoint}"):
            shown: Document = sessions.sagemaker_reads(scope).describe_endpoint(
                EndpointName=endpoint
            )
    except NotFound:
        return set()
    pending = shown.get("PendingDeploymentSummary") or {}
    return {shown["EndpointConfigName"], pending.get("EndpointConfigName")}


def _named(sessions: Sessions, scope: Scope) -> Iterator[tuple[str, str]]:
    """(name, ARN) of all configurations that bear our prefix."""
    more: dict[str, str] = {}
    while True:
        with translated("sagemaker", "ListEndpointConfigs", scope):
            page = sessions.sagemaker_reads(scope).list_endpoint_configs(
                NameContains=MIRROR_PREFIX, MaxResults=100, **more
            )
        for one in page["EndpointConfigs"]:
            if one["EndpointConfigName"].startswith(MIRROR_PREFIX):
                yield one["EndpointConfigName"], one["EndpointConfigArn"]
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}
