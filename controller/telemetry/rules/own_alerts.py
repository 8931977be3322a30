"""Alerts about the controller itself, and about endpoints that it cannot care for."""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.model.policy import PolicySet
from controller.telemetry.rules.burn import Severity
from controller.telemetry.rules.options import RuleOptions
from controller.telemetry.rules.promql import Rule, duration, number
from controller.telemetry.rules.slo_alerts import WHICH, links

_MIN, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
HOURS_PER_MONTH = 730
FLAPS = 4
"""Changes of one endpoint in a day that are too many for a steady load."""
PRICE_OLD_S = 45 * _DAY
PAUSED_LONG_S = 3 * _DAY


@dataclass(frozen=True, slots=True)
class _Own:
    alert: str
    severity: Severity
    expr: str
    summary: str
    description: str
    for_s: float = 0.0


def own_alerts(policies: PolicySet, options: RuleOptions) -> tuple[Rule, ...]:
    """The rules, whatever the policies; only how often endpoints are looked at matters."""
    rows = [
        *_process(_silence_s(policies)),
        *_endpoints(),
        *_changes(options),
        *_plumbing(options),
    ]
    # with a pace, the controller's time is not that of Prometheus: ages mean nothing there
    told = [row for row in rows if options.pace == 1.0 or "time()" not in row.expr]
    return tuple(_rule(row, options) for row in told)


def _silence_s(policies: PolicySet) -> float:
    """Nothing was looked at for so long: three turns of the slowest policy, and a little."""
    slowest = max((p.cadence.interval_s for p in policies.policies), default=300.0)
    return 3.0 * slowest + 5 * _MIN


def _rule(row: _Own, options: RuleOptions) -> Rule:
    return Rule(
        alert=row.alert,
        expr=row.expr,
        for_s=options.real(row.for_s),
        labels={"severity": row.severity.value},
        annotations={
            "summary": row.summary,
            "description": row.description,
            "runbook_url": links(row.alert, options)["runbook_url"],
        },
    )


def _process(silence_s: float) -> Iterator[_Own]:
    yield _Own(
        "RightsizerDown",
        Severity.PAGE,
        "absent(rightsizer_build_info)",
        "Rightsizer is not running, or cannot be scraped",
        "No metrics of Rightsizer for 5 minutes. Endpoints keep their sizes; nobody watches their"
        " SLOs, and no alert about them can fire.",
        5 * _MIN,
    )
    yield _Own(
        "RightsizerStalled",
        Severity.PAGE,
        f"time() - max(rightsizer_last_reconcile_timestamp_seconds) > {number(silence_s)}",
        "Rightsizer runs and looks at nothing",
        "No endpoint has been looked at for {{ $value | humanizeDuration }}. Endpoints keep their"
        " sizes; nobody watches their SLOs.",
    )
    yield _Own(
        "RightsizerEndpointUnseen",
        Severity.TICKET,
        "time() - max without (instance, pod) (rightsizer_last_reconcile_timestamp_seconds)"
        f" > {number(2.0 * silence_s)}",
        f"{WHICH} has not been looked at",
        f"{WHICH} was last looked at {{{{ $value | humanizeDuration }}}} ago, while its turn comes"
        " far more often. Its size stays.",
    )
    yield _Own(
        "RightsizerPolicyInvalid",
        Severity.TICKET,
        "max without (instance, pod) (rightsizer_config_last_reload_successful) == 0",
        "The policy files are not valid",
        "The policies on disk could not be loaded. The last good set stays in force, without"
        " whatever was changed since.",
        5 * _MIN,
    )


def _endpoints() -> Iterator[_Own]:
    yield _Own(
        "RightsizerDataStale",
        Severity.TICKET,
        _condition('type="DataFresh",status="False",reason!="NoData"'),
        f"The metrics of {WHICH} are stale",
        f"CloudWatch has no fresh, complete data of {WHICH}. Its size stays, and its SLO is not"
        " judged.",
        30 * _MIN,
    )
    yield _Own(
        "RightsizerEndpointDegraded",
        Severity.TICKET,
        _condition('type="Degraded",status="True"'),
        f"{WHICH} cannot be cared for: {{{{ $labels.reason }}}}",
        f"For 30 minutes {WHICH} could not be looked at or acted on, because of"
        " {{ $labels.reason }}. Its size stays.",
        30 * _MIN,
    )
    yield _Own(
        "RightsizerSloInfeasible",
        Severity.TICKET,
        'max without (instance, pod) (rightsizer_endpoint_decision{reason="Infeasible"}) == 1',
        f"No allowed size of {WHICH} is expected to meet its SLO",
        f"No size inside the bounds and the budget of policy {{{{ $labels.policy }}}} is expected"
        f" to meet the SLO of {WHICH}. Memory or instances alone will not help.",
        _HOUR,
    )
    yield _Own(
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
    yield _Own(
        "RightsizerDrift",
        Severity.TICKET,
        "max without (instance, pod) (rightsizer_drift_detected) == 1",
        f"Somebody else changed the size of {WHICH}",
        f"The size of {WHICH} is not the one that Rightsizer set, and stays as it is until a"
        " person decides who owns it.",
        15 * _MIN,
    )
    yield _Own(
        "RightsizerPausedLong",
        Severity.TICKET,
        "max without (instance, pod) (rightsizer_paused) == 1",
        f"{WHICH} has been paused for three days",
        f"{WHICH} is watched and not changed, whatever happens to its SLO or its cost.",
        PAUSED_LONG_S,
    )


def _changes(options: RuleOptions) -> Iterator[_Own]:
    hour, day = duration(options.real(_HOUR)), duration(options.real(_DAY))
    yield _Own(
        "RightsizerRolledBack",
        Severity.TICKET,
        "sum without (instance, pod, action)"
        f' (increase(rightsizer_changes_total{{result=~"rolled_back|failed"}}[{hour}])) > 0',
        "A change was undone ({{ $labels.result }})",
        "In the last hour a change made things worse, or could not be carried out, and was undone."
        " The size it tried is left alone for a while.",
    )
    yield _Own(
        "RightsizerFlapping",
        Severity.TICKET,
        f"max without (instance, pod) (resets(rightsizer_change_open[{day}])) >= {FLAPS}",
        f"{WHICH} is changed again and again",
        f"{WHICH} was changed {{{{ $value }}}} times in a day. Under steady load two changes are"
        " enough: look for demand or a release that goes back and forth.",
    )


def _plumbing(options: RuleOptions) -> Iterator[_Own]:
    quarter = duration(options.real(15 * _MIN))
    yield _Own(
        "RightsizerReconcileErrors",
        Severity.TICKET,
        f'sum(increase(rightsizer_reconcile_total{{result="error"}}[{quarter}]))\n'
        f"  / sum(increase(rightsizer_reconcile_total[{quarter}])) > 0.2",
        "Many looks at endpoints end in errors",
        "{{ $value | humanizePercentage }} of the looks at endpoints in the last 15 minutes ended"
        " in an error. Endpoints keep their sizes.",
        15 * _MIN,
    )
    yield _Own(
        "RightsizerThrottled",
        Severity.TICKET,
        f"sum by (service, operation) (increase(rightsizer_aws_throttles_total[{quarter}])) > 20",
        "AWS throttles {{ $labels.service }} {{ $labels.operation }}",
        'AWS throttled about {{ $value | printf "%.0f" }} attempts of {{ $labels.service }}'
        " {{ $labels.operation }} in 15 minutes: the account's limit is shared with others.",
        15 * _MIN,
    )
    yield _Own(
        "RightsizerJournalErrors",
        Severity.PAGE,
        f"sum(increase(rightsizer_state_store_errors_total[{quarter}])) > 0\n"
        "  or sum(rightsizer_state_store_errors_total"
        f" unless rightsizer_state_store_errors_total offset {quarter}) > 0",
        "The journal cannot be read or written",
        "Reads or writes of the journal failed in the last 15 minutes. Nothing is changed that"
        " cannot be journalled.",
    )
    yield _Own(
        "RightsizerPriceOld",
        Severity.TICKET,
        f"max by (service, region) (rightsizer_price_age_seconds) > {number(PRICE_OLD_S)}",
        "Prices of {{ $labels.service }} in {{ $labels.region }} are old",
        "The prices in use were read {{ $value | humanizeDuration }} ago. Costs are reckoned with"
        " them; latency and safety are not touched.",
        _HOUR,
    )


def _condition(labels: str) -> str:
    return f"max without (instance, pod, type, status) (rightsizer_condition{{{labels}}}) == 1"
