"""Alerts about the controller itself: down, stalled, leaderless, throttled, its files, probes."""

from collections.abc import Iterator

from controller.model.policy import PolicySet
from controller.telemetry.rules.burn import Severity
from controller.telemetry.rules.endpoint_alerts import Own, endpoint_alerts
from controller.telemetry.rules.options import RuleOptions
from controller.telemetry.rules.promql import Rule, duration, number
from controller.telemetry.rules.slo_alerts import WHICH, links

_MIN, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
PRICE_OLD_S = 45 * _DAY


def own_alerts(policies: PolicySet, options: RuleOptions) -> tuple[Rule, ...]:
    """The rules, whatever the policies; only how often endpoints are looked at matters."""
    rows = [
        *_process(_silence_s(policies)),
        *_replicas(options),
        *endpoint_alerts(options),
        *_probes(options),
        *_plumbing(options),
    ]
    # with a pace, the controller's time is not that of Prometheus: ages mean nothing there
    told = [row for row in rows if options.pace == 1.0 or "time()" not in row.expr]
    return tuple(_rule(row, options) for row in told)


def _silence_s(policies: PolicySet) -> float:
    """Nothing was looked at for so long: three turns of the slowest policy, and a little."""
    slowest = max((p.cadence.interval_s for p in policies.policies), default=300.0)
    return 3.0 * slowest + 5 * _MIN


def _rule(row: Own, options: RuleOptions) -> Rule:
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


def _process(silence_s: float) -> Iterator[Own]:
    yield Own(
        "RightsizerDown",
        Severity.PAGE,
        "absent(rightsizer_build_info)",
        "Rightsizer is not running, or cannot be scraped",
        "No metrics of Rightsizer for 5 minutes. Endpoints keep their sizes; nobody watches their"
        " SLOs, and no alert about them can fire.",
        5 * _MIN,
    )
    yield Own(
        "RightsizerStalled",
        Severity.PAGE,
        f"time() - max(rightsizer_last_reconcile_timestamp_seconds) > {number(silence_s)}",
        "Rightsizer runs and looks at nothing",
        "No endpoint has been looked at for {{ $value | humanizeDuration }}. Endpoints keep their"
        " sizes; nobody watches their SLOs.",
    )
    yield Own(
        "RightsizerSeesNothing",
        Severity.TICKET,
        'sum(max by (mode) (rightsizer_policies{mode!="Off"})) > 0\n'
        "  unless on () count(rightsizer_last_reconcile_timestamp_seconds)",
        "Rightsizer has policies and has seen no endpoint since it was started",
        '{{ $value | printf "%.0f" }} policies are in force, and not one look at an endpoint of'
        " theirs has succeeded: their endpoints are not there, or cannot be found or read.",
        silence_s,
    )
    yield Own(
        "RightsizerEndpointUnseen",
        Severity.TICKET,
        "time() - max without (instance, pod) (rightsizer_last_reconcile_timestamp_seconds)"
        f" > {number(2.0 * silence_s)}",
        f"{WHICH} has not been looked at",
        f"{WHICH} was last looked at {{{{ $value | humanizeDuration }}}} ago, while its turn comes"
        " far more often. Its size stays.",
    )
    yield Own(
        "RightsizerPolicyInvalid",
        Severity.TICKET,
        "max without (instance, pod) (rightsizer_config_last_reload_successful) == 0",
        "The policy files are not valid",
        "The policies on disk could not be loaded. The last good set stays in force, without"
        " whatever was changed since.",
        5 * _MIN,
    )


def _replicas(options: RuleOptions) -> Iterator[Own]:
    hour = duration(options.real(_HOUR))
    yield Own(
        "RightsizerNoLeader",
        Severity.PAGE,
        # not `without (instance, pod)`: any other label of a replica would make the one that
        # stands by look like a shard that nobody leads
        "max by (job, namespace, shard) (rightsizer_leader) == 0",
        "Rightsizer runs and no replica leads shard {{ $labels.shard }}",
        "For 5 minutes no replica of Rightsizer has held the lease of shard {{ $labels.shard }}."
        " Its endpoints keep their sizes; nobody changes them, whatever happens to their SLOs.",
        5 * _MIN,
    )
    yield Own(
        "RightsizerLeaderChanging",
        Severity.TICKET,
        f"sum(increase(rightsizer_lease_transitions_total[{hour}])) > 10",
        "Replicas of Rightsizer take the lead from each other",
        'Replicas began or ceased to lead about {{ $value | printf "%.0f" }} times in an hour: the'
        " lease cannot be renewed in time.",
    )


def _probes(options: RuleOptions) -> Iterator[Own]:
    day = duration(options.real(_DAY))
    ended = f"sum(increase(rightsizer_probe_runs_total[{day}]))"
    in_vain = ended.replace("[", '{outcome=~"failed|discarded"}[')
    yield Own(
        "RightsizerProbeFailing",
        Severity.TICKET,
        f"{in_vain} > 2\n  and {in_vain} > 0.5 * {ended}",
        "Most probes teach nothing",
        'About {{ $value | printf "%.0f" }} probes of the last day could not be run, or measured'
        " the load generator instead of the endpoint. Sizes that need a probe stay untried.",
        _HOUR,
    )


def _plumbing(options: RuleOptions) -> Iterator[Own]:
    quarter, hour = duration(options.real(15 * _MIN)), duration(options.real(_HOUR))
    yield Own(
        "RightsizerReconcileErrors",
        Severity.TICKET,
        f'sum(increase(rightsizer_reconcile_total{{result="error"}}[{quarter}]))\n'
        f"  / sum(increase(rightsizer_reconcile_total[{quarter}])) > 0.2",
        "Many looks at endpoints end in errors",
        "{{ $value | humanizePercentage }} of the looks at endpoints in the last 15 minutes ended"
        " in an error. Endpoints keep their sizes.",
        15 * _MIN,
    )
    yield Own(
        "RightsizerThrottled",
        Severity.TICKET,
        f"sum by (service, operation) (increase(rightsizer_aws_throttles_total[{quarter}])) > 20",
        "AWS throttles {{ $labels.service }} {{ $labels.operation }}",
        'AWS throttled about {{ $value | printf "%.0f" }} attempts of {{ $labels.service }}'
        " {{ $labels.operation }} in 15 minutes: the account's limit is shared with others.",
        15 * _MIN,
    )
    yield Own(
        "RightsizerJournalErrors",
        Severity.PAGE,
        f"sum(increase(rightsizer_state_store_errors_total[{quarter}])) > 2\n"
        "  or sum(rightsizer_state_store_errors_total"
        f" unless rightsizer_state_store_errors_total offset {quarter}) > 2",
        "The journal cannot be read or written",
        "Reads or writes of the journal failed again and again in the last 15 minutes."
        " Nothing is changed that cannot be journalled.",
    )
    yield Own(
        "RightsizerNotificationsFailing",
        Severity.TICKET,
        "sum by (channel)"
        f' (increase(rightsizer_notifications_total{{result=~"failed|dropped"}}[{hour}])) > 0',
        "Channel {{ $labels.channel }} cannot be told",
        "Messages to channel {{ $labels.channel }} were given up in the last hour. What they would"
        " have said is in the log and in `rightsizer get changes`.",
    )
    yield Own(
        "RightsizerPriceOld",
        Severity.TICKET,
        f"max by (service, region) (rightsizer_price_age_seconds) > {number(PRICE_OLD_S)}",
        "Prices of {{ $labels.service }} in {{ $labels.region }} are old",
        "The prices in use were read {{ $value | humanizeDuration }} ago. Costs are reckoned with"
        " them; latency and safety are not touched.",
        _HOUR,
    )
