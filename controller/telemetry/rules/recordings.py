"""Recording rules: how many requests, and which share was bad, over each window needed.

One rule serves all endpoints, so a file for a thousand policies has as few of them as one
for a single policy. Ratios divide sums of counters, never ratios; the labels of the scrape
(`instance`, `pod`) go, so that a controller that moves is the same series.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from controller.telemetry.rules.burn import Burn
from controller.telemetry.rules.options import RuleOptions
from controller.telemetry.rules.promql import Rule, duration

LONG_S = 43_200.0
"""Windows from here on are added up from hours: raw samples of days are too many."""
HOUR_S = 3600.0
REQUESTS = "slo_requests"


class Bad(StrEnum):
    """What makes a request bad: the counter it is in, without prefix and `_total`."""

    SLOW = "slo_slow_requests"
    FAILED = "slo_failed_requests"


@dataclass(frozen=True, slots=True)
class Windows:
    """Which windows are needed of which counter, in the controller's seconds."""

    of: Bad
    seconds: float


def needed(tiers: Iterable[Burn], bad: Bad) -> Iterator[Windows]:
    """The windows of some tiers."""
    for tier in tiers:
        yield Windows(bad, tier.long_s)
        yield Windows(bad, tier.short_s)


def recordings(windows: Iterable[Windows], options: RuleOptions) -> tuple[Rule, ...]:
    """The rules, shortest windows first; long ones build on them."""
    wanted = set(windows)
    wanted |= {Windows(w.of, HOUR_S) for w in wanted if w.seconds >= LONG_S}
    seconds = sorted({w.seconds for w in wanted})
    rules: list[Rule] = []
    for length_s in seconds:
        rules.append(_sum(REQUESTS, length_s, options))
        for bad in Bad:
            if Windows(bad, length_s) in wanted:
                rules.append(_sum(bad, length_s, options))
                rules.append(_ratio(bad, length_s, options))
    return tuple(rules)


def increase(counter: str, length_s: float, options: RuleOptions) -> str:
    """Name of the recorded number of requests over a window."""
    return f"rightsizer:{counter}:increase{duration(options.real(length_s))}"


def ratio(bad: Bad, length_s: float, options: RuleOptions) -> str:
    """Name of the recorded share of bad requests over a window."""
    return f"rightsizer:{bad}:ratio_increase{duration(options.real(length_s))}"


def _sum(counter: str, length_s: float, options: RuleOptions) -> Rule:
    window = duration(options.real(length_s))
    if length_s >= LONG_S:
        hours = increase(counter, HOUR_S, options)
        step = duration(options.real(HOUR_S))
        return Rule(
            record=increase(counter, length_s, options),
            expr=f"sum_over_time({hours}[{window}:{step}])",
        )
    grown = f"increase(rightsizer_{counter}_total[{window}])"
    return Rule(
        record=increase(counter, length_s, options),
        expr=f"sum without (instance, pod) ({grown})",
    )


def _ratio(bad: Bad, length_s: float, options: RuleOptions) -> Rule:
    some, all_ = increase(bad, length_s, options), increase(REQUESTS, length_s, options)
    return Rule(record=ratio(bad, length_s, options), expr=f"{some} / {all_}")
