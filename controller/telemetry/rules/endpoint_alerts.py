"""Alerts about endpoints that the controller cannot care for, and about its own changes."""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.telemetry.rules.burn import Severity
from controller.telemetry.rules.options import RuleOptions
from controller.telemetry.rules.promql import duration
from controller.telemetry.rules.slo_alerts import WHICH

_MIN, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
HOURS_PER_MONTH = 730
FLAPS = 4
"""Changes of one endpoint in a day that are too many for a steady load."""
PAUSED_LONG_S = 3 * _DAY


@dataclass(frozen=True, slots=True)
class Own:
    """One alert, before links and times are put in."""

    alert: str
    severity: Severity
    expr: str
    summary: str
    description: str
    for_s: float = 0.0


def endpoint_alerts(options: RuleOptions) -> Iterator[Own]:
    """All of them."""
    yield from _cannot_be_cared_for()
    yield from _kept_from_its_size()
    yield from _changes(options)


def _cannot_be_cared_for() -> Iterator[Own]:
    yield Own(
        "RightsizerDataStale",
        Severity.TICKET,
        _condition('type="DataFresh",status="False",reason!="NoData"'),
        f"The metrics of {WHICH} are stale",
        f"CloudWatch has no fresh, complete data of {WHICH}. Its size stays, and its SLO is not"
        " judged.",
        30 * _MIN,
    )
    yield Own(
        "RightsizerEndpointDegraded",
        Severity.TICKET,
        _condition('type="Degraded",status="True"'),
        f"{WHICH} cannot be cared for: {{{{ $labels.reason }}}}",
        f"For 30 minutes {WHICH} could not be looked at or acted on, because of"
        " {{ $labels.reason }}. Its size stays.",
        30 * _MIN,
    )
    yield Own(
        "RightsizerSloInfeasible",
        Severity.TICKET,
        'max without (instance, pod) (rightsizer_endpoint_decision{reason="Infeasible"}) == 1',
        f"No allowed size of {WHICH} is expected to meet its SLO",
        f"No size inside the bounds and the budget of policy {{{{ $labels.policy }}}} is expected"
        f" to meet the SLO of {WHICH}. Memory or instances alone will not help.",
        _HOUR,
    )


def _kept_from_its_size() -> Iterator[Own]:
    yield Own(
        "RightsizerBudgetExceeded",
        Severity.TICKET,
        f"max without (instance, pod, basis)"
        f' (rightsizer_cost_hourly_dollars{{basis="current"}}) * {HOURS_PER_MONTH}\n'
        "  > max without (instance, pod) (rightsizer_budget_monthly_dollars)",
        f"{WHICH} will cost more than its budget",
        f'At its present size and demand {WHICH} costs {{{{ $value | printf "%.2f" }}}} dollars a'
        " month, more than policy {{ $labels.policy }} allows.",
        2 * _HOUR,
    )
    yield Own(
        "RightsizerDrift",
        Severity.TICKET,
        "max without (instance, pod) (rightsizer_drift_detected) == 1",
        f"Somebody else changed the size of {WHICH}",
        f"The size of {WHICH} is not the one that Rightsizer set, and stays as it is until a"
        " person decides who owns it.",
        15 * _MIN,
    )
    yield Own(
        "RightsizerPausedLong",
        Severity.TICKET,
        "max without (instance, pod) (rightsizer_paused) == 1",
        f"{WHICH} has been paused for three days",
        f"{WHICH} is watched and not changed, whatever happens to its SLO or its cost.",
        PAUSED_LONG_S,
    )


def _changes(options: RuleOptions) -> Iterator[Own]:
    day = duration(options.real(_DAY))
    yield Own(
        "RightsizerRolledBack",
        Severity.TICKET,
        "max without (instance, pod)"
        ' (rightsizer_last_change_info{phase=~"RolledBack|Failed"}) == 1\n'
        "  and ignoring (phase, reason)"
        " time() - max without (instance, pod) (rightsizer_last_change_timestamp_seconds)"
        f" < {_HOUR:g}",
        f"A change of {WHICH} was undone: {{{{ $labels.reason }}}}",
        f"In the last hour a change of {WHICH} ended as {{{{ $labels.phase }}}}, because of"
        " {{ $labels.reason }}. The size it tried is left alone for a while.",
    )
    yield Own(
        "RightsizerFlapping",
        Severity.TICKET,
        f"max without (instance, pod) (resets(rightsizer_change_open[{day}])) >= {FLAPS}",
        f"{WHICH} is changed again and again",
        f"{WHICH} was changed {{{{ $value }}}} times in a day. Under steady load two changes are"
        " enough: look for demand or a release that goes back and forth.",
    )


def _condition(labels: str) -> str:
    return f"max without (instance, pod, type, status) (rightsizer_condition{{{labels}}}) == 1"
