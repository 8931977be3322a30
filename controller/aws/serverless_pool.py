"""How much concurrency an account's region still leaves to one serverless endpoint.

All serverless endpoints of a region share a pool (SageMaker Developer Guide, serverless
endpoints: 1000 in eight regions, 500 elsewhere; at most 50 endpoints). AWS does not tell what
of it is taken, so it is added up. Where that would take too many calls, or AWS does not
answer, it is not known: AWS refuses by itself what the pool does not hold.
"""

import threading
from collections.abc import Mapping

from controller.aws.endpoint_configs import Document
from controller.aws.endpoint_discovery import EndpointFinder
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import AdapterError
from controller.model.policy import Scope
from controller.ports import Clock

LARGE_POOL, SMALL_POOL = 1000, 500
_LARGE_POOLS = frozenset(
    {
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "eu-central-1",
        "eu-west-1",
    }
)
MOST_ENDPOINTS = 100
"""Of any kind: of each that is not known yet, the first count asks what it is."""
FRESH_S = 600.0


class ServerlessPool:
    """Counts a region's serverless concurrency now and then; shared by threads."""

    def __init__(self, sessions: Sessions, finder: EndpointFinder, clock: Clock) -> None:
        self._sessions = sessions
        self._finder = finder
        self._clock = clock
        self._counted: dict[tuple[str, str], tuple[float, Mapping[str, int] | None]] = {}
        self._lock = threading.Lock()

    def left(self, scope: Scope, key: EndpointKey, *, count: bool) -> int | None:
        """What other endpoints leave to this one; None where that is not known.

        Counted anew only if `count` says so and the last count is old.
        """
        place, now_s = (key.account, key.region), self._clock.now_s()
        with self._lock:
            counted_s, taken = self._counted.get(place, (0.0, None))
            due = count and now_s - counted_s >= FRESH_S
            if due:
                # Whoever comes meanwhile makes do with the older count.
                self._counted[place] = (now_s, taken)
        if due:
            taken = self._count(scope)
            with self._lock:
                self._counted[place] = (now_s, taken)
        if taken is None:
            return None
        pool = LARGE_POOL if key.region in _LARGE_POOLS else SMALL_POOL
        return max(0, pool - sum(n for name, n in taken.items() if name != key.name))

    def _count(self, scope: Scope) -> Mapping[str, int] | None:
        try:
            names = self._finder.names(scope, Kind.SERVERLESS_ENDPOINT, most=MOST_ENDPOINTS)
            return None if names is None else {name: self._of(scope, name) for name in names}
        except AdapterError:
            return None

    def _of(self, scope: Scope, name: str) -> int:
        with translated("sagemaker", "DescribeEndpoint", scope, f"endpoint {name}"):
            shown = self._sessions.sagemaker_reads(scope).describe_endpoint(EndpointName=name)
        return sum(_most(variant) for variant in shown.get("ProductionVariants") or ())


def _most(variant: Document) -> int:
    """The larger of what a variant has and what it is about to have."""
    sizes = (variant.get("CurrentServerlessConfig"), variant.get("DesiredServerlessConfig"))
    return max((size["MaxConcurrency"] for size in sizes if size), default=0)
