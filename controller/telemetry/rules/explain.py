"""When each SLO alert fires: the table behind `rightsizer rules --explain`."""

from collections.abc import Iterator

from controller.model.policy import Mode, Policy, PolicySet
from controller.telemetry.rules.burn import STEP_S, Burn, seconds_to_fire
from controller.telemetry.rules.options import RuleOptions
from controller.telemetry.rules.promql import duration, number, spoken
from controller.telemetry.rules.slo_alerts import Objective, objectives, tiers

SHARES = (1.0, 0.5, 0.25, 0.1)
"""Shares of bad requests that the table speaks of."""
_HEAD = (
    "policy", "slo", "tier", "severity", "factor", "windows", "requests", "fires above",
    *(f"at {100 * share:g} % bad" for share in SHARES),
)  # fmt: skip


def table(policies: PolicySet, options: RuleOptions) -> str:
    """Plain text, one line per alert. Raises NeverFires.

    Times are the longest from the start of the trouble to the alert, where all was well
    before and there are requests enough; at best it is one read (5 min) less.
    """
    rows = [_HEAD, *_rows(policies, options)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _rows(policies: PolicySet, options: RuleOptions) -> Iterator[tuple[str, ...]]:
    for policy in policies.policies:
        if policy.mode is Mode.OFF:
            continue
        for objective in objectives(policy):
            for tier in tiers(policy, objective.objective, options):
                yield _row(policy, objective, tier)


def _row(policy: Policy, objective: Objective, tier: Burn) -> tuple[str, ...]:
    bad = tier.bad_ratio(objective.objective)
    step_s = max(STEP_S, policy.cadence.interval_s)
    times = (seconds_to_fire(tier, objective.objective, share, step_s) for share in SHARES)
    return (
        policy.name,
        objective.word,
        tier.tier,
        tier.severity.value,
        f"{number(round(tier.factor, 3))}x",
        f"{duration(tier.long_s)}/{duration(tier.short_s)}",
        str(tier.min_requests),
        f"{number(round(100 * bad, 3))} %",
        *("never" if time is None else spoken(time) for time in times),
    )
