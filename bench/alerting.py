"""How soon the SLO alerts fire and end, and how often without cause: by simulation.

    python bench/alerting.py            # about two minutes; JSON on stdout, a table on stderr
    python bench/alerting.py --quick

Simulated is what Prometheus sees of an endpoint: counters that grow once in five minutes,
2.5 minutes after the period's end, and the built-in tiers evaluated after every growth.

- *detection*: from the start of a trouble, at a random moment, to the alert; 200 times each.
- *reset*: from the end of an hour of it to the end of the alert.
- *false alarms*: starts of alerts in years of traffic that keeps its SLO, at several rates
  and kinds of scatter: independent requests, five minutes that differ (beta-binomial), and
  a slow share that wanders for hours.
- *usual*: the same questions to the factors 14.4, 6, 3 and 1 over 1 h, 6 h, 1 d and 3 d.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from controller.telemetry.rules.burn import EVALUATED_S, LAG_S, STEP_S, Burn, Severity, preset

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

STEPS_A_DAY = int(86_400 // STEP_S)
BEFORE_S = 4 * 86_400.0
USUAL = (
    Burn("1h", Severity.PAGE, 14.4, 3600.0, 300.0, 0),
    Burn("6h", Severity.PAGE, 6.0, 21_600.0, 1800.0, 0),
    Burn("1d", Severity.TICKET, 3.0, 86_400.0, 7200.0, 0),
    Burn("3d", Severity.TICKET, 1.0, 259_200.0, 21_600.0, 0),
)
SHARES = (1.0, 0.75, 0.5, 0.3, 0.2, 0.1, 0.07)
RATES_RPS = (0.002, 0.01, 0.02, 0.05, 0.5, 5.0)


@dataclass(frozen=True)
class Scatter:
    """How the slow share of five minutes differs from its mean."""

    name: str
    used: float
    """Mean share of the budget that is used, 1: exactly the objective."""
    concentration: float | None = None
    """Of a beta distribution; None: no scatter."""
    wander: float = 0.0
    """Standard deviation of its logit, with a memory of an hour."""


SCATTERS = (
    Scatter("at the objective, independent", 1.0),
    Scatter("80 % of the budget, scattered", 0.8, 20.0),
    Scatter("80 % of the budget, in bursts", 0.8, 5.0),
    Scatter("60 % of the budget, wandering for hours", 0.6, None, 0.6),
)


def firing(requests: Ints, bad: Ints, tier: Burn, objective: float) -> Bools:
    """After each growth of the counters: whether the tier fires."""
    most = tier.bad_ratio(objective)
    long, short = (max(1, round(s / STEP_S)) for s in (tier.long_s, tier.short_s))
    enough = _last(requests, long) >= max(1, tier.min_requests)
    return enough & _over(requests, bad, long, most) & _over(requests, bad, short, most)


def _over(requests: Ints, bad: Ints, steps: int, most: float) -> Bools:
    found: Bools = _last(bad, steps) > most * _last(requests, steps) + 1e-9
    return found


def _last(values: Ints, steps: int) -> Ints:
    """Sums of the last `steps` values up to each."""
    total = np.cumsum(values)
    total[steps:] -= total[:-steps].copy()
    return total


def episode(
    rng: np.random.Generator, tier: Burn, objective: float, share: float, rps: float
) -> tuple[float, float]:
    """One trouble: minutes to the alert and, after an hour of trouble, to its end; NaN: never."""
    begin_s = BEFORE_S + float(rng.uniform(0.0, STEP_S))
    lasts_s = 8 * 86_400.0
    times = np.arange(0.0, BEFORE_S + lasts_s, STEP_S)
    requests = rng.poisson(rps * STEP_S, len(times))
    after = np.clip((times + STEP_S - begin_s) / STEP_S, 0.0, 1.0)
    quiet = 0.4 * (1.0 - objective)
    bad = rng.binomial(requests, quiet + (share - quiet) * after)
    fires = firing(requests, bad, tier, objective)
    first = np.flatnonzero(fires & (times + STEP_S > begin_s))
    detected_min = _minutes(times, first, begin_s) if len(first) else math.nan
    if not len(first):
        return detected_min, math.nan
    end = min(len(times) - 1, max(int(first[0]), int((begin_s + 3600.0) // STEP_S)))
    bad[end + 1 :] = rng.binomial(requests[end + 1 :], quiet)
    still = firing(requests, bad, tier, objective)
    over = np.flatnonzero(~still & (np.arange(len(times)) > end))
    reset_min = _minutes(times, over, times[end] + STEP_S) if len(over) else math.nan
    return detected_min, reset_min


def _minutes(times: npt.NDArray[np.float64], found: Ints, since_s: float) -> float:
    return float(times[found[0]] + STEP_S + LAG_S + EVALUATED_S - since_s) / 60.0


def detection(
    tiers: Iterable[Burn], objective: float, times: int, seed: int
) -> list[dict[str, Any]]:
    """Quantiles of detection and reset for each tier and share of slow requests."""
    rng = np.random.default_rng(seed)
    rows = []
    for tier in tiers:
        for share in SHARES:
            if share <= tier.bad_ratio(objective) * 1.02:
                found = [(math.nan, math.nan)]
            else:
                found = [episode(rng, tier, objective, share, 5.0) for _ in range(times)]
            detected, reset = (np.array(column) for column in zip(*found, strict=True))
            rows.append(
                {
                    "tier": tier.tier,
                    "slow_ratio": share,
                    "detect_min": _quantiles(detected),
                    "reset_min": _quantiles(reset),
                }
            )
    return rows


def _quantiles(values: npt.NDArray[np.float64]) -> Mapping[str, float] | None:
    known = values[~np.isnan(values)]
    if len(known) < len(values):
        return None
    at = np.quantile(known, (0.5, 0.95, 1.0))
    return {"p50": round(at[0], 1), "p95": round(at[1], 1), "max": round(at[2], 1)}


def traffic(
    rng: np.random.Generator, scatter: Scatter, budget: float, rps: float, steps: int
) -> tuple[Ints, Ints]:
    """Requests with a daily shape, and those of them that were slow."""
    day = 1.0 + 0.8 * np.sin(np.arange(steps) * 2.0 * np.pi / STEPS_A_DAY)
    requests = rng.poisson(rps * STEP_S * day)
    mean = scatter.used * budget
    share: Any = mean
    if scatter.concentration is not None:
        c = scatter.concentration
        share = rng.beta(mean * c, (1.0 - mean) * c, steps)
    elif scatter.wander > 0.0:
        share = _wandering(rng, mean, scatter.wander, steps)
    return requests, rng.binomial(requests, share)


def _wandering(rng: np.random.Generator, mean: float, wander: float, steps: int) -> Any:
    memory = math.exp(-STEP_S / 3600.0)
    kernel = math.sqrt(1.0 - memory**2) * memory ** np.arange(120)
    walk = np.convolve(rng.normal(0.0, wander, steps), kernel)[:steps]
    logit = math.log(mean / (1.0 - mean)) - wander**2 / 2.0
    return 1.0 / (1.0 + np.exp(-(logit + walk)))


def false_alarms(
    tiers: Iterable[Burn], objective: float, years: float, seed: int
) -> list[dict[str, Any]]:
    """Starts of alerts a year and endpoint, where the SLO is kept."""
    rng = np.random.default_rng(seed)
    steps = int(years * 365 * STEPS_A_DAY)
    rows = []
    for scatter in SCATTERS:
        for rps in RATES_RPS:
            requests, bad = traffic(rng, scatter, 1.0 - objective, rps, steps)
            a_year = {}
            for tier in tiers:
                fires = firing(requests, bad, tier, objective)
                a_year[tier.tier] = round(int(np.sum(fires[1:] & ~fires[:-1])) / years, 3)
            rows.append(
                {
                    "traffic": scatter.name,
                    "rps": rps,
                    "slow_ratio": round(float(bad.sum() / requests.sum()), 4),
                    "alerts_a_year": a_year,
                }
            )
    return rows


def measured(objective: float, times: int, years: float, seed: int) -> dict[str, Any]:
    """Everything, for the built-in tiers and the usual ones."""
    found: dict[str, Any] = {"objective": objective, "episodes": times, "years": years}
    for name, tiers in (("built_in", preset(objective)), ("usual", USUAL)):
        found[name] = {
            "tiers": [
                {
                    "tier": tier.tier,
                    "severity": tier.severity.value,
                    "factor": round(tier.factor, 3),
                    "fires_above": round(tier.bad_ratio(objective), 4),
                    "long_s": tier.long_s,
                    "short_s": tier.short_s,
                    "min_requests": tier.min_requests,
                }
                for tier in tiers
            ],
            "detection": detection(tiers, objective, times, seed),
            "false_alarms": false_alarms(tiers, objective, years, seed),
        }
    return found


def table(found: dict[str, Any]) -> str:
    """For people."""
    lines = []
    for name in ("built_in", "usual"):
        lines.append(f"{name}, objective {found['objective']:g}: minutes to fire (and to end)")
        for row in found[name]["detection"]:
            seen, reset = row["detect_min"], row["reset_min"]
            words = "never" if seen is None else f"{seen['p50']} / {seen['p95']} / {seen['max']}"
            words += "" if reset is None else f"   ends {reset['p50']} / {reset['p95']}"
            lines.append(f"  {row['tier']:<8}{100 * row['slow_ratio']:>5g} % slow  {words}")
        lines += [
            f"  false: {row['traffic']:<42}{row['rps']:>6g} rps  {row['alerts_a_year']}"
            for row in found[name]["false_alarms"]
        ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objective", type=float, default=0.95)
    parser.add_argument("--quick", action="store_true", help="fewer episodes, fewer years")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    times, years = (40, 3.0) if given.quick else (200, 30.0)
    found = measured(given.objective, times, years, given.seed)
    print(table(found), file=sys.stderr)
    json.dump(found, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
