"""Call budgets: never ask AWS faster than it answers, and leave room for others.

AWS throttles per account and region, and everything in the account shares the same allowance:
a controller that uses it up stops other people's deployments. Each class of operations has a
token bucket here that holds us to a share of AWS's limit. An empty bucket is `Throttled`,
with the time after which to come back, unless a `sleep` was given and the wait is short.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controller.model.errors import Throttled
from controller.ports import Clock

_DATA_PLANE = frozenset({"Invoke", "InvokeWithResponseStream", "InvokeEndpoint"})


@dataclass(frozen=True, slots=True)
class Limit:
    """What AWS allows for a class of operations, per account and region."""

    per_s: float
    burst: float
    """How many calls may come at once after a pause."""


AWS_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        # Lambda Developer Guide, "Lambda quotas": GetFunction 100/s, all other control
        # plane calls together 15/s, and neither can be raised.
        "lambda:GetFunction": Limit(100.0, 100.0),
        "lambda": Limit(15.0, 30.0),
        # CloudWatch User Guide, "CloudWatch service quotas": 50 GetMetricData a second.
        "cloudwatch:GetMetricData": Limit(50.0, 50.0),
        "cloudwatch": Limit(9.0, 9.0),
        # The rest have no published figure that we could rely on; these are our own manners.
        "sagemaker": Limit(10.0, 20.0),
        "application-autoscaling": Limit(5.0, 10.0),
        "logs": Limit(5.0, 10.0),
        "pricing": Limit(5.0, 10.0),
        "resourcegroupstaggingapi": Limit(5.0, 10.0),
        "sts": Limit(20.0, 50.0),
    }
)
"""By `service:Operation`, or by `service` for its other operations together."""


class _Bucket:
    """Tokens that grow with time; may be overdrawn by retries and by waiting callers."""

    __slots__ = ("_at_s", "_limit", "_tokens")

    def __init__(self, limit: Limit, now_s: float) -> None:
        self._limit = limit
        self._tokens = limit.burst
        self._at_s = now_s

    def draw(self, now_s: float) -> float:
        """Take one token; the time in seconds until it is really there (0: it is)."""
        grown = self._tokens + (now_s - self._at_s) * self._limit.per_s
        self._at_s = now_s
        self._tokens = min(self._limit.burst, grown) - 1.0
        return max(0.0, -self._tokens / self._limit.per_s)

    def put_back(self) -> None:
        self._tokens += 1.0


class CallBudgets:
    """Token buckets per account, region and class of operations; safe to share by threads."""

    def __init__(
        self,
        clock: Clock,
        *,
        limits: Mapping[str, Limit] = AWS_LIMITS,
        share: float = 0.7,
        sleep: Callable[[float], None] | None = None,
        max_wait_s: float = 5.0,
    ) -> None:
        """`share` is the part of AWS's limit that is ours. With `sleep`, a caller waits for
        up to `max_wait_s`; without, it is refused at once (right where time stands still).
        """
        if not 0.0 < share <= 1.0:
            raise ValueError(f"share must be over 0 and at most 1, not {share}")
        self._clock = clock
        self._limits = limits
        self._share = share
        self._sleep = sleep
        self._max_wait_s = max_wait_s if sleep is not None else 0.0
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, account: str, region: str, service: str, operation: str) -> None:
        """Take what one call costs. Raises Throttled where the budget is used up."""
        name = self._class_of(service, operation)
        if name is None:
            return
        with self._lock:
            bucket = self._bucket(account, region, name)
            wait_s = bucket.draw(self._clock.monotonic_s())
            if wait_s > self._max_wait_s:
                bucket.put_back()
                raise Throttled(
                    f"The controller's own budget for {name} calls in {region} is used up: "
                    f"{operation} is tried again later.",
                    operation=operation,
                    code="BudgetExhausted",
                    retry_after_s=wait_s,
                )
        if wait_s > 0.0 and self._sleep is not None:
            self._sleep(wait_s)

    def retried(self, account: str, region: str, service: str, operation: str) -> None:
        """Account for one more attempt of a call that is already under way."""
        name = self._class_of(service, operation)
        if name is not None:
            with self._lock:
                self._bucket(account, region, name).draw(self._clock.monotonic_s())

    def _class_of(self, service: str, operation: str) -> str | None:
        exact = f"{service}:{operation}"
        if exact in self._limits:
            return exact
        return service if service in self._limits and operation not in _DATA_PLANE else None

    def _bucket(self, account: str, region: str, name: str) -> _Bucket:
        key = (account, region, name)
        bucket = self._buckets.get(key)
        if bucket is None:
            limit = self._limits[name]
            ours = Limit(limit.per_s * self._share, max(1.0, limit.burst * self._share))
            bucket = self._buckets[key] = _Bucket(ours, self._clock.monotonic_s())
        return bucket
