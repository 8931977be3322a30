"""A live serverless endpoint: see it, and carry out one step of a change."""

import threading
from collections.abc import Mapping

from controller.aws.endpoint_calls import EndpointCalls
from controller.aws.endpoint_discovery import EndpointFinder
from controller.aws.endpoints import Endpoints, Seen
from controller.aws.errors import translated
from controller.aws.model_sizes import ModelSizes
from controller.aws.serverless_pool import ServerlessPool
from controller.aws.sessions import Sessions
from controller.model.change import Mutation
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.policy import Scope, Selector
from controller.model.sagemaker import ServerlessLive
from controller.model.sagemaker_steps import DeleteConfig
from controller.model.size import ServerlessSize
from controller.ports import Clock

_DIMENSION = "sagemaker:variant:DesiredProvisionedConcurrency"


class ServerlessAdapter:
    """Satisfies `controller.ports.KindAdapter` for serverless endpoints; shared by threads."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._endpoints = Endpoints(sessions)
        self._finder = EndpointFinder(sessions)
        self._calls = EndpointCalls(sessions)
        self._pool = ServerlessPool(sessions, self._finder, clock)
        self._models = ModelSizes(sessions, clock)
        self._autoscaled: dict[EndpointKey, bool] = {}
        self._lock = threading.Lock()

    def discover(self, scope: Scope, selector: Selector) -> Mapping[str, Mapping[str, str]]:
        """Names of matching serverless endpoints and their tags."""
        return self._finder.find(scope, selector, Kind.SERVERLESS_ENDPOINT)

    def observe(self, scope: Scope, key: EndpointKey, *, thorough: bool = True) -> EndpointState:
        """The endpoint and its live config.

        Raises NotFound where there is no serverless endpoint of this name, also where it has
        become a real-time endpoint: that way there is no return.
        """
        seen = self._endpoints.look(scope, key, thorough=thorough)
        size = _size(seen)
        live = ServerlessLive(
            endpoint=seen.endpoint,
            memory_mb=size.memory_mb,
            max_concurrency=size.max_concurrency,
            provisioned_concurrency=size.provisioned_concurrency or None,
            account_concurrency_left=self._pool.left(scope, key, count=thorough),
            autoscaled=self._is_autoscaled(scope, key, size, thorough=thorough),
            model_bytes=self._models.total(scope, seen.endpoint.config.artefacts, ask=thorough),
        )
        return EndpointState(
            key=key,
            size=size,
            phase=seen.phase,
            etag=seen.etag,
            tags={},
            observed_at_s=self._clock.now_s(),
            live=live,
        )

    def execute(self, scope: Scope, key: EndpointKey, step: Mutation) -> Mapping[str, str]:
        """One mutating call. Returns what the change must remember of it."""
        learnt = self._calls.execute(scope, key, step)
        gone = {f"gone:{step.name}": "1"} if isinstance(step, DeleteConfig) else {}
        return {**learnt, **gone}

    def _is_autoscaled(
        self, scope: Scope, key: EndpointKey, size: ServerlessSize, *, thorough: bool
    ) -> bool:
        """Only provisioned concurrency can be autoscaled; where none is, nothing is asked."""
        if size.provisioned_concurrency == 0:
            return False
        with self._lock:
            known = self._autoscaled.get(key)
        if known is not None and not thorough:
            return known
        operation = "DescribeScalableTargets"
        with translated("application-autoscaling", operation, scope, f"endpoint {key.name}"):
            page = self._sessions.client(
                scope, "application-autoscaling"
            ).describe_scalable_targets(
                ServiceNamespace="sagemaker",
                ResourceIds=[f"endpoint/{key.name}/variant/{key.qualifier}"],
                ScalableDimension=_DIMENSION,
            )
        found = bool(page["ScalableTargets"])
        with self._lock:
            self._autoscaled[key] = found
        return found


def _size(seen: Seen) -> ServerlessSize:
    """What is in force; while the endpoint is being created, what its config asks for."""
    shown = seen.live.get("CurrentServerlessConfig") or seen.configured["ServerlessConfig"]
    return ServerlessSize(
        memory_mb=shown["MemorySizeInMB"],
        max_concurrency=shown["MaxConcurrency"],
        provisioned_concurrency=shown.get("ProvisionedConcurrency", 0),
    )
