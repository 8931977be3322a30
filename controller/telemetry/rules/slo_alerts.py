"""SLO alerts of one policy: is the budget of slow (or failed) requests used too fast?"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controller.model.policy import Policy
from controller.telemetry.metric import ENDPOINT_LABELS
from controller.telemetry.rules.burn import Burn, Severity, checked, preset, stretched
from controller.telemetry.rules.options import MONTH_S, RuleOptions
from controller.telemetry.rules.promql import Rule, number, selector, spoken
from controller.telemetry.rules.recordings import REQUESTS, Bad, Windows, increase, needed, ratio

SLOW_REQUESTS = "RightsizerSlowRequests"
FAILED_REQUESTS = "RightsizerFailedRequests"
BREACHED = "RightsizerSloBreached"
BREACHED_FOR_S = 1800.0
WHICH = "{{ $labels.kind }} {{ $labels.region }}/{{ $labels.name }} ({{ $labels.qualifier }})"
_TAKEN = {*ENDPOINT_LABELS, "alertname", "severity", "burnrate_tier", "slo", "instance", "job"}


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective of a policy, as a share of requests that are not bad."""

    bad: Bad
    objective: float
    alert: str
    word: str
    """The label `slo`."""
    what: str
    """What bad requests were or did, after `of the requests`."""
    noun: str


def objectives(policy: Policy) -> Iterator[Objective]:
    """Latency always, errors where the policy limits them."""
    slo = policy.slo
    what = f"were slower than {number(slo.threshold_ms)} ms"
    yield Objective(Bad.SLOW, slo.percentile, SLOW_REQUESTS, "latency", what, "slow requests")
    if slo.max_error_ratio is not None and slo.max_error_ratio > 0.0:
        good = 1.0 - slo.max_error_ratio
        yield Objective(Bad.FAILED, good, FAILED_REQUESTS, "errors", "failed", "failed requests")


def tiers(policy: Policy, objective: float, options: RuleOptions) -> tuple[Burn, ...]:
    """The tiers that hold for one objective. Raises NeverFires."""
    chosen = preset(objective) if options.tiers is None else options.tiers
    interval_s = policy.cadence.interval_s
    return tuple(stretched(tier, interval_s) for tier in checked(chosen, objective))


def windows(policy: Policy, options: RuleOptions) -> Iterator[Windows]:
    """The windows that the policy's alerts look at. Raises NeverFires."""
    for objective in objectives(policy):
        yield from needed(tiers(policy, objective.objective, options), objective.bad)


def alerts(policy: Policy, options: RuleOptions) -> tuple[Rule, ...]:
    """All SLO alerts of a policy. Raises NeverFires."""
    burning = [
        _burning(policy, objective, tier, options)
        for objective in objectives(policy)
        for tier in tiers(policy, objective.objective, options)
    ]
    return (*burning, _breached(policy, options))


def _burning(policy: Policy, objective: Objective, tier: Burn, options: RuleOptions) -> Rule:
    where = selector({"policy": policy.name})
    budget = 1.0 - objective.objective
    long = f"{ratio(objective.bad, tier.long_s, options)}{where}"
    short = f"{ratio(objective.bad, tier.short_s, options)}{where}"
    enough = f"{increase(REQUESTS, tier.long_s, options)}{where}"
    bad = number(tier.bad_ratio(objective.objective))
    period_s = options.real(MONTH_S)
    expr = (
        f"{number(period_s * budget)} / {long}\n"
        f"  and {long} > {bad}\n"
        f"  and {short} > {bad}\n"
        f"  and {enough} >= {tier.min_requests}"
    )
    labels = {
        "severity": tier.severity.value,
        "burnrate_tier": tier.tier,
        "slo": objective.word,
        # on the series already; here it tells the rules of two policies apart
        "policy": policy.name,
        **policy_labels(policy.labels),
    }
    return Rule(
        alert=objective.alert,
        expr=expr,
        labels=labels,
        annotations=_told(policy, objective, tier, options),
    )


def _told(
    policy: Policy, objective: Objective, tier: Burn, options: RuleOptions
) -> Mapping[str, str]:
    share = f"{number(100.0 * tier.bad_ratio(objective.objective))} %"
    allowed = f"{number(100.0 * (1.0 - objective.objective))} %"
    return {
        "summary": f"{WHICH}: more than {share} of its requests {objective.what}",
        "description": (
            f"Over the last {spoken(tier.long_s)}, and still over the last {spoken(tier.short_s)},"
            f" more than {share} of the requests of {WHICH} {objective.what}; policy"
            f" {policy.name} allows {allowed}. At this rate a month's budget of {objective.noun}"
            " is gone in {{ $value | humanizeDuration }}."
        ),
        **links(objective.alert, options),
    }


def _breached(policy: Policy, options: RuleOptions) -> Rule:
    where = selector({"policy": policy.name})
    return Rule(
        alert=BREACHED,
        expr=f"max without (instance, pod) (rightsizer_slo_compliant{where}) == 0",
        for_s=options.real(BREACHED_FOR_S),
        labels={
            "severity": Severity.TICKET.value,
            "slo": "latency",
            "policy": policy.name,
            **policy_labels(policy.labels),
        },
        annotations={
            "summary": f"{WHICH} has been breaking its SLO for {spoken(BREACHED_FOR_S)}",
            "description": (
                f"The counts of the last {spoken(policy.slo.window_s)} show with 95 % certainty"
                f" that too many requests of {WHICH} are slower than"
                f" {number(policy.slo.threshold_ms)} ms, and the controller's own remedy has not"
                " ended it yet. Few requests are enough for this alert."
            ),
            **links(BREACHED, options),
        },
    )


def links(alert: str, options: RuleOptions) -> dict[str, str]:
    """Where to read on."""
    found = {"runbook_url": options.runbook_url(alert)}
    if options.dashboard is not None:
        join = "&" if "?" in options.dashboard else "?"
        found["dashboard_url"] = (
            f"{options.dashboard}{join}var-policy={{{{ $labels.policy }}}}"
            "&var-name={{ $labels.name }}"
        )
    return found


def policy_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """A policy's own labels, for routing, in letters that Prometheus takes."""
    cleaned = {re.sub(r"[^a-zA-Z0-9_]", "_", name): value for name, value in labels.items()}
    return {
        name if not name[:1].isdigit() else f"_{name}": value.replace("{{", '{{"{{"}}')
        for name, value in sorted(cleaned.items())
        if name not in _TAKEN
    }
