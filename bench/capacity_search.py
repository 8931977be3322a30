"""Score the capacity search for real-time endpoints beside what people do by hand.

    python -m bench.capacity_search [--seeds 40] [--first 0] [--curves DIR] [--json OUT]

Every method meets the same endpoints: a hand-set fleet of one type, its live windows, and about
a dozen other types whose curves it must pay to see. Methods:

  everyLoad       every type at rising loads until the SLO breaks, as Inference Recommender does
  everyLoadModel  the same probes, and the controller's beliefs and decision after them
  oneLoad         every type at the live load per instance
  cheapestFirst   from the cheapest type upwards at that load, until one meets the SLO
  largestFirst    from the dearest type downwards at that load, until one does not
  noProbe         the controller's decision without any probe
  rightsizer      `controller.kinds.realtime_endpoint.search`

Figures: probes, instance-hours and dollars of them; regret, the bill over the least bill that
meets the SLO (by one who knows every curve); the share of final sizes over the SLO, and by more
than 5 %. A size over the SLO counts with the bill of its type at its right size, if that is
more. `total` is a month's bill and the probes, over the least bill. The settings of the search
were tuned on seeds from 10,000 on; judge on others.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing import Pool
from pathlib import Path

from bench.capacity_world import Case, generated, measured, probed
from controller.kinds.realtime_endpoint.bill import Fleet
from controller.kinds.realtime_endpoint.headroom import size_for
from controller.kinds.realtime_endpoint.search import (
    Probe,
    Rules,
    Settled,
    Spent,
    chosen,
    next_step,
    probeable,
)
from controller.kinds.realtime_endpoint.types import Beliefs
from controller.model.estimate import Observation
from controller.model.size import RealtimeSize

OURS = "rightsizer"
CURVES = Path(__file__).resolve().parent.parent.parent / "shared" / "curves" / "realtime"
RISE = 2.0
"""From one load to the next, where every load is measured."""


@dataclass
class Desk:
    """What a method works at: probes that cost, and what they showed."""

    case: Case
    rules: Rules
    spent: Spent = field(default_factory=Spent)
    rows: list[Observation] = field(default_factory=list)

    def meets(self, name: str, load_rps: float) -> bool:
        """Probe a type at a load, and read whether it met the SLO."""
        start_s = 0.0 if self.spent.running == name else self.rules.start_s
        load_s = self.rules.loaded_s(load_rps)
        hours = (start_s + load_s) / 3600.0
        usd = hours * self.case.prices.usd_per_hour[name]
        return self.carried_out(Probe(name, load_rps, load_s, hours, usd, 0.0))

    def carried_out(self, probe: Probe) -> bool:
        """Make a probe; whether it met the SLO."""
        before = sum(p.instance_type == probe.instance_type for p in self.spent.probes)
        self.spent = Spent((*self.spent.probes, probe))
        found = probed(self.case, probe.instance_type, probe.load_rps, (probe.load_s, before))
        self.rows += found
        full = [row.p95_ms for row in found if row.load_rps == probe.load_rps]
        return bool(full) and statistics.median(full) <= self.case.policy.slo.threshold_ms

    @property
    def types(self) -> tuple[str, ...]:
        """Types that may be probed, cheapest first."""
        names = probeable(self.case.question(()), self.case.demand)
        return tuple(sorted(names, key=lambda n: (self.case.prices.usd_per_hour[n], n)))

    @property
    def live_rps(self) -> float:
        """Load of one instance at the peak, as the fleet stands."""
        return self.case.shape.peak_rps / self.case.current.min_instances

    def sized(self, name: str, load_rps: float) -> RealtimeSize:
        """The fleet of a type that was seen to bear a load."""
        target = load_rps * self.case.policy.autoscaling.utilization
        return size_for(self.case.question((), NOTHING), name, target).size


NOTHING = Beliefs({}, 1.0, 0.95)


# --- methods: each ends at a size


def every_load(desk: Desk) -> RealtimeSize:
    """Rising loads on every type; the cheapest fleet of what was read."""
    found = [desk.case.current]
    top = desk.case.shape.peak_rps / desk.case.policy.autoscaling.utilization
    for name in desk.types:
        load, borne = top / 32.0, 0.0
        while load <= top * 1.01 and desk.meets(name, load):
            load, borne = load * RISE, load
        if borne > 0.0:
            found.append(desk.sized(name, borne))
    return min(found, key=desk.case.usd_per_month)


def every_load_model(desk: Desk) -> RealtimeSize:
    """The same probes, and the controller's decision."""
    every_load(desk)
    return decided(desk)


def one_load(desk: Desk) -> RealtimeSize:
    """The live load on every type."""
    met = [name for name in desk.types if desk.meets(name, desk.live_rps)]
    found = [desk.case.current, *(desk.sized(name, desk.live_rps) for name in met)]
    return min(found, key=desk.case.usd_per_month)


def cheapest_first(desk: Desk) -> RealtimeSize:
    """The first type, upwards in price, that bears the live load."""
    for name in desk.types:
        if desk.meets(name, desk.live_rps):
            return desk.sized(name, desk.live_rps)
    return desk.case.current


def largest_first(desk: Desk) -> RealtimeSize:
    """The last type, downwards in price, before one that does not bear the live load."""
    size = desk.case.current
    for name in reversed(desk.types):
        if not desk.meets(name, desk.live_rps):
            break
        size = desk.sized(name, desk.live_rps)
    return size


def decided(desk: Desk) -> RealtimeSize:
    """What the controller settles on, with what it knows."""
    found = chosen(desk.case.question(desk.rows), desk.case.demand)
    if found is None or not isinstance(found.size, RealtimeSize):
        return desk.case.current
    return found.size


def searched(desk: Desk) -> RealtimeSize:
    """The search: a probe at a time, until it settles."""
    while True:
        question = desk.case.question(desk.rows)
        step = next_step(question, desk.case.demand, desk.rules, desk.spent)
        if isinstance(step, Settled):
            return step.size
        desk.carried_out(step)


METHODS: dict[str, Callable[[Desk], RealtimeSize]] = {
    "everyLoad": every_load,
    "everyLoadModel": every_load_model,
    "oneLoad": one_load,
    "cheapestFirst": cheapest_first,
    "largestFirst": largest_first,
    "noProbe": decided,
    OURS: searched,
}


# --- the run


@dataclass(frozen=True, slots=True)
class Result:
    """One method on one endpoint."""

    case: str
    method: str
    types: int
    probes: int
    hours: float
    usd: float
    size: str
    regret: float
    """The bill over the least one, less 1."""
    total: float
    """A month's bill with the probes, over the least bill."""
    over: float
    """The true percentile over the threshold, less 1; above 0 it breaks the SLO."""
    least_usd: float
    current_regret: float
    """That of the hand-set fleet."""
    steps: tuple[str, ...] = ()


def play(case: Case, methods: Sequence[str], rules: Rules) -> list[Result]:
    """Every method on one endpoint."""
    names = probeable(case.question(()), case.demand)
    least = case.best_usd(names)
    found = []
    for method in methods:
        desk = Desk(case, rules)
        size = METHODS[method](desk)
        worst = Fleet.of(size, case.shape).worst_load_rps()
        machine, threshold_ms = case.machines[size.instance_type], case.policy.slo.threshold_ms
        over = machine.percentile_ms(worst) / threshold_ms - 1.0
        usd = case.usd_per_month(size)
        if over > 0.0:
            right = case.true_size(size.instance_type) or case.current
            usd = max(usd, case.usd_per_month(right))
        spent = desk.spent
        found.append(
            Result(
                case.name, method, len(names), len(spent.probes),
                sum(p.hours for p in spent.probes), spent.usd, str(size), usd / least - 1.0,
                (usd + spent.usd) / least, over, least,
                case.usd_per_month(case.current) / least - 1.0,
                tuple(f"{p.instance_type}@{p.load_rps:.3g}" for p in spent.probes),
            )
        )  # fmt: skip
    return found


HEAD = (
    f"{'method':16s} {'probes':>7s} {'hours p50/mean':>15s} {'USD p50/mean':>15s} "
    f"{'regret % p50/p90/mean':>23s} {'over %':>7s} {'>5%':>6s} {'total':>7s}"
)


def line(method: str, rows: Sequence[Result]) -> str:
    """One method's figures."""

    def at(values: Sequence[float], share: float) -> float:
        ordered = sorted(values)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    hours, usd = [r.hours for r in rows], [r.usd for r in rows]
    regret = [100.0 * r.regret for r in rows]
    over = 100.0 * sum(r.over > 0.0 for r in rows) / len(rows)
    far = 100.0 * sum(r.over > 0.05 for r in rows) / len(rows)
    return (
        f"{method:16s} {statistics.fmean(r.probes for r in rows):7.1f} "
        f"{at(hours, 0.5):8.2f}/{statistics.fmean(hours):6.2f} "
        f"{at(usd, 0.5):8.2f}/{statistics.fmean(usd):6.2f} "
        f"{at(regret, 0.5):7.1f}/{at(regret, 0.9):7.1f}/{statistics.fmean(regret):7.1f} "
        f"{over:7.1f} {far:6.1f} {statistics.fmean(r.total for r in rows):7.3f}"
    )


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--seeds", type=int, default=40)
    add("--first", type=int, default=0, help="first seed")
    add("--measured-seeds", type=int, default=3, help="endpoints per file of curves")
    add("--curves", type=Path, default=CURVES, metavar="DIR")
    add("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    add("--payback-days", type=float, default=Rules().payback_s / 86_400.0)
    add("--budget-usd", type=float, default=None, help="most that one search may spend")
    add("--processes", type=int, default=2)
    add("--json", type=Path, metavar="OUT")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play and print."""
    given = options(arguments)
    seeds = range(given.first, given.first + given.seeds)
    cases = {"generated": [generated(seed) for seed in seeds], "measured": []}
    if given.curves.is_dir():
        every = [measured(given.curves, s) for s in seeds[: given.measured_seeds]]
        cases["measured"] = [case for batch in every for case in batch]
    else:
        print(f"no folder {given.curves}: measured endpoints are left out", file=sys.stderr)
    rules = Rules(payback_s=given.payback_days * 86_400.0, budget_usd=given.budget_usd)
    game = partial(play, methods=given.methods, rules=rules)
    document: dict[str, object] = {"rules": asdict(rules), "first": given.first}
    with Pool(given.processes) as pool:
        for world, members in cases.items():
            rows = [row for batch in pool.map(game, members, chunksize=1) for row in batch]
            document[world] = [asdict(row) for row in rows]
            if rows:
                print(f"\n{world}: {len(members)} endpoints\n{HEAD}")
            for method in given.methods if rows else ():
                print(line(method, [row for row in rows if row.method == method]))
    if given.json:
        given.json.write_text(json.dumps(document) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
