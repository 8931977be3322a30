"""Faults of requests: what can go wrong between a client and a service that is fine.

A `Fault` says what happens to which calls, and how often; a `FaultPlan` holds those that
are on. Faults of the world (a slow workload, late metrics, an update that fails) are the
world's own. Crash hooks run around every handled call; a test kills the controller at any
of its calls by raising a BaseException out of one, through the in-process door.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from controller.sandbox.wire.contract import AwsError, RequestContext
from controller.sandbox.wire.errors import flavour_of


class FaultKind(StrEnum):
    """What happens to a call that a fault hits."""

    THROTTLE = "throttle"  # the service's own "slow down"
    BROKEN = "broken"  # a 5xx before anything was done
    BROKEN_REPLY = "broken_reply"  # a 5xx although the call was carried out
    DROP = "drop"  # the connection closes before anything was done
    DROP_REPLY = "drop_reply"  # the connection closes although the call was carried out
    TIMEOUT = "timeout"  # no answer ever comes
    UNREACHABLE = "unreachable"  # nobody listens there
    LATENCY = "latency"  # the answer comes late
    DENIED = "denied"  # no policy allows the action
    EXPIRED = "expired"  # the credentials have expired


_AFTER_THE_CALL = frozenset({FaultKind.BROKEN_REPLY, FaultKind.DROP_REPLY})
_TRANSPORT = frozenset(
    {FaultKind.DROP, FaultKind.DROP_REPLY, FaultKind.TIMEOUT, FaultKind.UNREACHABLE}
)

Hook = Callable[[str, RequestContext], None]
"""Called with "before" or "after" and the call; whatever it raises goes to the caller."""


class TransportFault(Exception):  # noqa: N818 - it is what the doors act out, not an error
    """The caller gets no HTTP answer; each door acts it out in its own way."""

    def __init__(self, kind: FaultKind, sleep_ms: float = 0.0) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.sleep_ms = sleep_ms


@dataclass(slots=True)
class Fault:
    """One fault. Every None of the address fits any call.

    operation: one name, or several divided by commas; a leading `!` turns it round. times:
    how many calls it hits, then it is spent (None: no end); probability: of hitting a call
    that fits; rate_per_s: token buckets in the world's time, one per account and region, that
    let so many calls pass and hit the rest, with room for `burst` of them; latency_ms: for
    LATENCY, and before a TIMEOUT closes the connection in the HTTP door.
    """

    kind: FaultKind
    service: str | None = None
    operation: str | None = None
    account: str | None = None
    region: str | None = None
    times: int | None = None
    probability: float | None = None
    rate_per_s: float | None = None
    burst: float = 1.0
    latency_ms: float = 0.0
    number: int = 0
    hits: int = field(default=0)
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict, repr=False)

    def fits(self, ctx: RequestContext) -> bool:
        """Whether a call is one of those this fault is about."""
        return (
            (self.service is None or self.service == ctx.service)
            and (self.operation is None or _is_one_of(ctx.operation, self.operation))
            and (self.account is None or self.account == ctx.account)
            and (self.region is None or self.region == ctx.region)
        )

    def strikes(self, ctx: RequestContext, rng: random.Random) -> bool:
        """Whether it hits this call; uses up a hit, a token or a random number."""
        if self.times is not None and self.hits >= self.times:
            return False
        if self.rate_per_s is not None and self._has_token(ctx):
            return False
        if self.probability is not None and rng.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def _has_token(self, ctx: RequestContext) -> bool:
        place = (ctx.account, ctx.region)
        bucket = self._buckets.get(place)
        if bucket is None:
            bucket = self._buckets[place] = _Bucket(self.burst, ctx.now_s)
        return bucket.take(ctx.now_s, self.rate_per_s or 0.0, self.burst)


@dataclass(slots=True)
class _Bucket:
    """A token bucket, as it was when last asked."""

    tokens: float
    filled_at_s: float

    def take(self, now_s: float, rate_per_s: float, burst: float) -> bool:
        """One token, if there is one."""
        gained = max(0.0, now_s - self.filled_at_s) * rate_per_s
        self.tokens, self.filled_at_s = min(burst, self.tokens + gained), now_s
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


def _is_one_of(operation: str, wanted: str) -> bool:
    if wanted.startswith("!"):
        return operation not in wanted[1:].split(",")
    return operation in wanted.split(",")


class FaultPlan:
    """The faults that are on in a world, and the hooks around its calls."""

    def __init__(self, seed: int = 0) -> None:
        self._faults: list[Fault] = []
        self._rng = random.Random(seed)  # noqa: S311 - a simulation
        self._next_number = 1
        self.hooks: list[Hook] = []
        self.clock_skew_s = 0.0

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Those that are on, oldest first."""
        return tuple(self._faults)

    def add(self, fault: Fault) -> Fault:
        """Switch a fault on; it gets a number."""
        fault.number = self._next_number
        self._next_number += 1
        self._faults.append(fault)
        return fault

    def remove(self, number: int) -> bool:
        """Switch one off; False if there is none of that number."""
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if fault.number != number]
        return len(self._faults) < before

    def clear(self) -> None:
        """Switch all faults off and forget all hooks and the skew."""
        self._faults.clear()
        self.hooks.clear()
        self.clock_skew_s = 0.0

    def reseed(self, seed: int) -> None:
        """Start the random numbers behind `probability` anew."""
        self._rng = random.Random(seed)  # noqa: S311 - a simulation

    def before(self, ctx: RequestContext) -> float:
        """Let faults strike before a call; returns milliseconds of latency to add.

        Raises AwsError or TransportFault.
        """
        latency_ms = 0.0
        for fault in self._faults:
            if fault.kind in _AFTER_THE_CALL or not fault.fits(ctx):
                continue
            if not fault.strikes(ctx, self._rng):
                continue
            if fault.kind is FaultKind.LATENCY:
                latency_ms += fault.latency_ms
            else:
                _act_out(fault, ctx)
        return latency_ms

    def after(self, ctx: RequestContext) -> None:
        """Let faults strike after a call was carried out. Raises as `before` does."""
        for fault in self._faults:
            late = fault.kind in _AFTER_THE_CALL and fault.fits(ctx)
            if late and fault.strikes(ctx, self._rng):
                _act_out(fault, ctx)

    def run_hooks(self, moment: str, ctx: RequestContext) -> None:
        """Call every hook with "before" or "after"."""
        for hook in self.hooks:
            hook(moment, ctx)


def _act_out(fault: Fault, ctx: RequestContext) -> None:
    if fault.kind in _TRANSPORT:
        raise TransportFault(fault.kind, fault.latency_ms)
    raise fault_error(fault.kind, ctx)


def fault_error(kind: FaultKind, ctx: RequestContext) -> AwsError:
    """The service's own words for a fault that has an answer."""
    flavour = flavour_of(ctx.service)
    if kind is FaultKind.THROTTLE:
        return AwsError(flavour.throttled[0], "Rate exceeded", flavour.throttled[1])
    if kind is FaultKind.EXPIRED:
        text = "The security token included in the request is expired"
        return AwsError(flavour.expired[0], text, flavour.expired[1])
    if kind is FaultKind.DENIED:
        action = f"{_IAM_PREFIX.get(ctx.service, ctx.service)}:{ctx.operation}"
        text = (
            f"User: {ctx.principal} is not authorized to perform: {action} "
            f"because no identity-based policy allows the {action} action"
        )
        return AwsError(flavour.denied[0], text, flavour.denied[1])
    return AwsError(flavour.broken[0], "An internal error occurred.", flavour.broken[1])


_IAM_PREFIX = {"resourcegroupstaggingapi": "tag", "sagemaker-runtime": "sagemaker"}
