"""Copies of SageMaker endpoints: an endpoint and a configuration of its own, the same model.

Both bear the shadow's name. The configuration is made first and deleted last, so that what
runs can always be looked up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.aws.endpoint_configs import Document
from controller.aws.endpoints import config_tags, describe_config
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.core.shadows import MIRROR_PREFIX, PREFIX, is_shadow
from controller.model.endpoint import EndpointState, Kind
from controller.model.errors import Conflict, NotFound, Terminal
from controller.model.missing import Maybe, Missing
from controller.model.policy import Scope
from controller.model.probe import Shadow, ShadowPhase
from controller.model.size import RealtimeSize, ServerlessSize, Size
from controller.ports import PriceSource
from controller.probes.endpoint_copy import configuration, live_endpoint, tags
from controller.probes.log_groups import ENDPOINTS, delete_log_group, groups_left
from controller.probes.mirror_configs import remove_config, stray_configs
from controller.probes.shadow_tags import Marks, found_shadow, is_ours, marks, overdue

_IN_SERVICE, _FAILED = "InService", "Failed"
_DELETABLE = frozenset({_IN_SERVICE, _FAILED, "UpdateRollbackFailed", "OutOfService"})


class EndpointShadows:
    """Satisfies `controller.ports.ShadowMaker` for one kind of endpoint; shared by threads."""

    def __init__(self, sessions: Sessions, prices: PriceSource, kind: Kind) -> None:
        self._sessions = sessions
        self._prices = prices
        self._kind = kind

    def make(self, shadow: Shadow, state: EndpointState) -> Shadow:
        """At most one call that changes something; READY once the endpoint is in service.

        Raises Terminal where it cannot be made, or AWS failed to.
        """
        seen = self._endpoint(shadow)
        if seen is None:
            if self._config(shadow) is None:
                self._create_config(shadow, state)
                return replace(shadow, resources={"endpoint_config": shadow.id})
            if not self._create_endpoint(shadow, state):
                return shadow
            return replace(shadow, resources={"endpoint_config": shadow.id, "endpoint": shadow.id})
        status = seen["EndpointStatus"]
        if status == _FAILED:
            raise Terminal(
                f"SageMaker could not make a copy of endpoint {shadow.key.name} with "
                f"{shadow.size}: {seen.get('FailureReason', 'it does not say why')}"
            )
        # In service with another configuration is somebody else's doing.
        if status == _IN_SERVICE and seen["EndpointConfigName"] == shadow.id:
            return replace(shadow, phase=ShadowPhase.READY)
        return shadow

    def target_name(self, shadow: Shadow) -> str:
        """The copy's own name."""
        return shadow.id

    def remove(self, shadow: Shadow) -> bool:
        """Delete the endpoint; once it is gone its configuration, and then its log group.

        An endpoint that is being created cannot be deleted yet: ask again.
        """
        if shadow.id.startswith(MIRROR_PREFIX):
            return remove_config(self._sessions, shadow)
        seen = self._endpoint(shadow)
        if seen is not None:
            if seen["EndpointStatus"] in _DELETABLE:
                self._check_ours(shadow, seen["EndpointArn"])
                self._delete(shadow, "DeleteEndpoint", EndpointName=shadow.id)
            return False
        config = self._config(shadow)
        if config is not None:
            self._check_ours(shadow, config["EndpointConfigArn"])
            self._delete(shadow, "DeleteEndpointConfig", EndpointConfigName=shadow.id)
            return False
        delete_log_group(self._sessions, shadow.scope, f"{ENDPOINTS}{shadow.id}")
        return True

    def strays(self, scope: Scope, now_s: float) -> Sequence[Shadow]:
        """Expired copies in a region: endpoints, configurations without one, log groups without
        either, and configurations with a shadow variant that nothing uses."""
        found: dict[str, Marks] = {}
        standing: set[str] = set()
        for name, arn in self._named(scope):
            standing.add(name)
            try:
                said = marks(name, config_tags(self._sessions, scope, name, arn))
            except NotFound:
                continue  # deleted since it was listed
            if said is not None and overdue(said, self._kind, now_s):
                found[name] = said
        strays = [
            found_shadow(name, said, scope, self._size(scope, name))
            for name, said in sorted(found.items())
        ]
        size = _size_of({}, self._kind)
        groups = groups_left(
            self._sessions, scope, self._kind, lambda _, name: name in standing, size
        )
        mirrors = self._kind is Kind.REALTIME_ENDPOINT
        configs = stray_configs(self._sessions, scope, now_s) if mirrors else []
        return [*strays, *groups, *configs]

    def usd_per_hour(self, region: str, size: Size) -> Maybe[float]:
        """One instance, whether it is asked anything or not; serverless costs nothing idle."""
        if not isinstance(size, RealtimeSize):
            return 0.0
        prices = self._prices.hosting_prices(region)
        if isinstance(prices, Missing):
            return prices
        usd = prices.usd_per_hour.get(size.instance_type)
        return Missing(f"no price of {size.instance_type} in {region}") if usd is None else usd

    def _endpoint(self, shadow: Shadow) -> Document | None:
        try:
            with translated("sagemaker", "DescribeEndpoint", shadow.scope, f"endpoint {shadow.id}"):
                answer: Document = self._sessions.sagemaker_reads(shadow.scope).describe_endpoint(
                    EndpointName=shadow.id
                )
        except NotFound:
            return None
        return answer

    def _config(self, shadow: Shadow) -> Document | None:
        try:
            return describe_config(self._sessions, shadow.scope, shadow.id)
        except NotFound:
            return None

    def _create_config(self, shadow: Shadow, state: EndpointState) -> None:
        scope = shadow.scope
        source = describe_config(self._sessions, scope, live_endpoint(state).config.name)
        wanted = configuration(shadow, state, source)
        wanted["Tags"] = self._tags(shadow, state)
        try:
            with translated("sagemaker", "CreateEndpointConfig", scope, f"config {shadow.id}"):
                self._sessions.sagemaker_writes(scope).create_endpoint_config(**wanted)
        except Conflict:
            return  # an answer that was lost: it is there, as the next look shows

    def _create_endpoint(self, shadow: Shadow, state: EndpointState) -> bool:
        scope = shadow.scope
        wanted = self._tags(shadow, state)
        try:
            with translated("sagemaker", "CreateEndpoint", scope, f"endpoint {shadow.id}"):
                self._sessions.sagemaker_writes(scope).create_endpoint(
                    EndpointName=shadow.id, EndpointConfigName=shadow.id, Tags=wanted
                )
        except (Conflict, NotFound):
            return False  # there already, or its configuration cannot be seen yet: look again
        return True

    def _tags(self, shadow: Shadow, state: EndpointState) -> list[dict[str, str]]:
        endpoint = live_endpoint(state)
        theirs = config_tags(self._sessions, shadow.scope, shadow.key.name, endpoint.arn)
        return tags(shadow, theirs)

    def _check_ours(self, shadow: Shadow, arn: str) -> None:
        if not is_ours(shadow.id, config_tags(self._sessions, shadow.scope, shadow.id, arn)):
            raise Terminal(
                f"{shadow.id} in {shadow.scope.region} is not one that we made: it is left alone."
            )

    def _delete(self, shadow: Shadow, operation: str, **named: str) -> None:
        client: Any = self._sessions.sagemaker_writes(shadow.scope)
        try:
            with translated("sagemaker", operation, shadow.scope, shadow.id):
                if operation == "DeleteEndpoint":
                    client.delete_endpoint(**named)
                else:
                    client.delete_endpoint_config(**named)
        except (Conflict, NotFound):
            return  # in progress, or gone: the next look shows

    def _named(self, scope: Scope) -> Iterator[tuple[str, str]]:
        """(name, ARN) of all endpoints, then of all configurations, that bear our prefix."""
        client = self._sessions.sagemaker_reads(scope)
        for what in ("Endpoint", "EndpointConfig"):
            more: dict[str, str] = {}
            while True:
                with translated("sagemaker", f"List{what}s", scope):
                    ask = (
                        client.list_endpoints
                        if what == "Endpoint"
                        else (client.list_endpoint_configs)
                    )
                    page = ask(NameContains=PREFIX, MaxResults=100, **more)
                for one in page[f"{what}s"]:
                    if is_shadow(one[f"{what}Name"]):
                        yield one[f"{what}Name"], one[f"{what}Arn"]
                if not page.get("NextToken"):
                    break
                more = {"NextToken": page["NextToken"]}

    def _size(self, scope: Scope, name: str) -> Size:
        """For the record only: what is removed goes by its name."""
        try:
            variant = describe_config(self._sessions, scope, name)["ProductionVariants"][0]
        except NotFound:
            variant = {}
        return _size_of(variant, self._kind)


def _size_of(variant: Mapping[str, Any], kind: Kind) -> Size:
    if kind is Kind.SERVERLESS_ENDPOINT:
        shown = variant.get("ServerlessConfig", {})
        return ServerlessSize(shown.get("MemorySizeInMB", 1024), shown.get("MaxConcurrency", 1))
    return RealtimeSize(variant.get("InstanceType", "unknown"), 1, 1)
