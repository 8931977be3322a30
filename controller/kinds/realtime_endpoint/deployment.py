"""How a new fleet is asked for: how many instances, how traffic moves, what guards it. Pure."""

import math

from controller.kinds.realtime_endpoint.names import alarm_name
from controller.model.change import Change
from controller.model.policy import Rollout, Slo
from controller.model.reason import Reason
from controller.model.sagemaker_steps import PutGuardAlarm, Shift
from controller.model.size import RealtimeSize

ERRORS, LATENCY = "errors", "latency"
_MOST_CANARY_PERCENT = 50
_MOST_WAIT_S = 3600
_ERROR_SHARE = 0.05
"""The new fleet may fail so many of its requests, or twice as many as before."""
_UNGUARDED = ("ml.inf1.",)
"""Instance types without deployment guardrails [DG:deployment-guardrails-exclusions]."""
US_PER_MS = 1000.0


def new_count(
    before: RealtimeSize, after: RealtimeSize, desired: int, *, breaching: bool = False
) -> int:
    """Instances of the new type for what is served now: by capacity, inside the bounds.

    Out of a breach never fewer than there are: they were not enough, so their number does not
    tell the demand. Autoscaling takes away what is too many.
    """
    count = float(desired)
    if before.target_per_instance is not None and after.target_per_instance is not None:
        ratio = before.target_per_instance / after.target_per_instance
        count *= max(1.0, ratio) if breaching else ratio
    return min(max(math.ceil(count - 1e-9), after.min_instances), after.max_instances)


def keeps_count(count: int, before: int, desired: int) -> bool:
    """Whether the number that runs is carried over, and not the new config's: where they are
    the same, and where autoscaling has started more since the config's was reckoned."""
    return desired == count or desired > max(count, before)


def shift(rollout: Rollout, instance_type: str, count: int, alarms: tuple[str, ...]) -> Shift:
    """A canary where the service has one and the fleet can be divided; else all at once.

    A canary must be at least one instance, and at most half of them.
    """
    share = round(rollout.canary_share * 100.0)
    if share <= 0 or count < 2 or instance_type.startswith(_UNGUARDED):
        return Shift()
    percent = min(_MOST_CANARY_PERCENT, max(share, math.ceil(100.0 / count)))
    return Shift(
        canary_percent=percent,
        wait_s=min(_MOST_WAIT_S, int(rollout.bake_s)),
        alarms=alarms,
    )


def alarm_names(config: str) -> tuple[str, ...]:
    """Alarms on the new fleet of a config."""
    return alarm_name(config, LATENCY), alarm_name(config, ERRORS)


def alarm(name: str, config: str, variant: str, change: Change, slo: Slo) -> PutGuardAlarm:
    """One alarm, for the time of the deployment: slower than the SLO, or failing."""
    if name == alarm_name(config, ERRORS):
        return PutGuardAlarm(
            name, variant, config, "Invocation5XXErrors", "Average", _error_share(change, slo)
        )
    return PutGuardAlarm(
        name=name,
        variant=variant,
        config=config,
        metric="ModelLatency",
        statistic=f"p{slo.percentile * 100.0:g}",
        threshold=_latency_ms(change, slo) * US_PER_MS,
    )


def _latency_ms(change: Change, slo: Slo) -> float:
    """The SLO's threshold; out of a breach, no worse than before is good enough."""
    base = change.baseline
    if change.reason is Reason.SLO_BREACHED and base is not None and base.p95_ms is not None:
        return max(slo.threshold_ms, base.p95_ms)
    return slo.threshold_ms


def _error_share(change: Change, slo: Slo) -> float:
    base = change.baseline
    before = base.errors / base.requests if base is not None and base.requests > 0 else 0.0
    allowed = _ERROR_SHARE if slo.max_error_ratio is None else slo.max_error_ratio
    return min(1.0, max(_ERROR_SHARE, allowed, 2.0 * before))
