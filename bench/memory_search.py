"""Score the project's memory search with the yardstick, beside its peers, in one run.

    python -m bench.memory_search --curves DIR [--seeds 5] [--yardstick DIR] [--json OUT]

The yardstick (a folder with `memory_tuning/`) is found by `--yardstick`, else beside the
checkout; it needs scipy and scikit-learn. `--hold-out source|family` learns the prior anew from
the curves of other sources or families, for judging on the curves that were learnt from; without
it the prior is the one that the controller ships, for judging on curves it has never seen.
`tuner` is what the yardstick calls: `--tuner bench.memory_search:tuner`.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

from bench.drawn_curves import drawn_records
from controller.core.search import Probe, Rules, Settled, Trial
from controller.kinds.lambda_function.calls import usual
from controller.kinds.lambda_function.search import (
    CHEAPEST_RULES,
    Aim,
    Findings,
    search_step,
)
from controller.kinds.lambda_function.sizing import ladder
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.shapes import Learnt
from controller.model.policy import Bounds

OURS = "rightsizer"
TIGHT = 1.3
"""SLOs below this many times the best possible p95 are where every tuner fails."""
DRAWN_SEED = 7
MOST_STEPS = 400
LIVE_CALLS = 1000
STAND_IN_YARDSTICK = Path(__file__).resolve().parent.parent.parent / "shared" / "yardstick"


def tuner(trial: Any, learnt: Learnt = LEARNT, changed: Mapping[str, Any] | None = None) -> int:
    """Tune one trial of the yardstick: a size in MB. `changed`: rules other than usual."""
    rules = CHEAPEST_RULES if trial.slo_ms is None else Rules()
    live = usual(trial.passive(LIVE_CALLS))
    bounds = Bounds(min_memory_mb=trial.smallest_mb, max_memory_mb=trial.largest_mb)
    aim = Aim(
        sizes_mb=ladder(bounds, trial.current_mb),
        cost=lambda mb, ms: float(trial.price(mb, np.asarray([ms + 0.5 - 1e-6])).item()),
        threshold_ms=trial.slo_ms,
        rules=replace(rules, **(changed or {})),
        learnt=learnt,
    )
    findings = Findings(live, {trial.current_mb: live.durations_ms})
    memory_mb = trial.current_mb
    for _ in range(MOST_STEPS):
        memory_mb, step = search_step(findings, aim)
        if isinstance(step, Settled):
            break
        findings = carried_out(trial, memory_mb, step, findings)
    return int(memory_mb)


def carried_out(trial: Any, memory_mb: int, step: Probe | Trial, before: Findings) -> Findings:
    """Findings after a step."""
    spent, probed = before.spent, dict(before.probed)
    if isinstance(step, Probe):
        durations = trial.probe(memory_mb, step.calls)
        probed[memory_mb] = probed.get(memory_mb, 0) + step.calls
    else:
        durations = trial.canary(memory_mb, step.requests)
    old = before.calls.get(memory_mb, np.empty(0))
    calls = {**before.calls, memory_mb: np.concatenate([old, durations])}
    return replace(before, calls=calls, probed=probed, spent=spent.after(step))


# --- the run ---


@dataclass(frozen=True, slots=True)
class World:
    """Which world the tuners play in."""

    seeds: int
    noise: str
    truth: str
    objectives: tuple[str, ...]
    peers: tuple[str, ...]
    changed: tuple[tuple[str, Any], ...] = ()
    """Rules of ours that are other than usual."""


def play(curve: Any, world: World, library: Sequence[Any], priors: Mapping[str, Learnt]) -> Any:
    """Ours and the peers on one curve: (result, SLO over the best p95) of every trial."""
    from memory_tuning.scoring import SLO_ONLY, Settings, named_tuners
    from memory_tuning.scoring import play as play_one
    from memory_tuning.trial import Truth, draw_conditions
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)  # one process a core: more threads only wait for each other
    settings = Settings(world.peers, (), world.objectives, world.seeds, world.noise,
                        world.truth, 0.25)  # fmt: skip
    learnt = priors.get(curve.family, priors.get(curve.source, LEARNT))
    ours = {OURS: partial(tuner, learnt=learnt, changed=dict(world.changed))}
    tuners: dict[str, Callable[[Any], int]] = {**named_tuners(curve, settings, library), **ours}
    found = []
    for seed in range(world.seeds):
        conditions = draw_conditions(curve, seed, world.noise, 0.25)
        truth = Truth(curve, conditions)
        for objective in world.objectives:
            for name, method in tuners.items():
                if objective == "slo" or name not in SLO_ONLY:
                    result = play_one(method, truth, conditions, objective, name, seed)
                    found.append((result, conditions.slo_factor))
    return found


def held_out(curves: Path, by: str) -> dict[str, Learnt]:
    """Priors without one family or source each, by its name."""
    from bench.learn_prior import Roughness, learn
    from bench.measured_curves import read_curves

    every = read_curves(curves)
    rough = Roughness(LEARNT.rough_sds, LEARNT.reach_doublings)
    names = sorted({getattr(curve, by) for curve in every})
    return {n: learn([c for c in every if getattr(c, by) != n], rough) for n in names}


def table(rows: Sequence[tuple[Any, float]], objective: str, peers: Sequence[str]) -> list[str]:
    """A line per method, and ours apart where the SLO is tight or is not."""
    from memory_tuning.scoring import summarise

    def line(title: str, chosen: Sequence[Any]) -> str:
        s = summarise(title, chosen)
        return (
            f"{title:40s} {s.calls.p50:7.0f} /{s.calls.p90:7.0f} "
            f"{100 * s.repaired_regret.p50:7.2f} /{100 * s.repaired_regret.p90:6.1f} "
            f"{100 * s.violates:6.2f} {100 * s.violates_by_5_percent:6.2f} "
            f"{100 * s.calls_breaking_slo:6.1f} {s.live_harmed:7.3f} "
            f"{s.live_requests.p50:6.0f} {s.size_changes.p50:5.0f} {s.failed:3d}"
        )

    mine = [(r, f) for r, f in rows if r.objective == objective]
    lines = [line(n, [r for r, _ in mine if r.method == n]) for n in (*peers, OURS)
             if any(r.method == n for r, _ in mine)]  # fmt: skip
    if objective == "slo":
        for title, tight in ((f"{OURS}, SLO < {TIGHT} x best", True), (f"{OURS}, others", False)):
            part = [r for r, f in mine if r.method == OURS and (f < TIGHT) == tight]
            lines += [line(title, part)] if part else []
    return lines


HEAD = (
    f"{'method':40s} {'calls p50/p90':>16s} {'regret % p50/p90':>15s} {'over%':>6s} {'>5%':>6s} "
    f"{'c.brk%':>6s} {'harmed':>7s} {'live':>6s} {'moves':>5s} fail"
)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--curves", type=Path, metavar="DIR")
    what.add_argument("--drawn", type=int, metavar="N", help="N drawn functions, to tune rules on")
    add("--rule", nargs="*", default=[], metavar="NAME=VALUE", help="other rules than usual")
    add("--seeds", type=int, default=5)
    add("--yardstick", type=Path, default=STAND_IN_YARDSTICK, metavar="DIR")
    add("--noise", choices=["std", "calm", "wild"], default="std")
    add("--truth", choices=["smooth", "loglog"], default="smooth")
    add("--objective", choices=["slo", "cheapest", "both"], default="both")
    add("--peers", nargs="*", default=None, help="only these (none: ours alone)")
    add("--hold-out", choices=["source", "family"], help="learn the prior without these")
    add("--processes", type=int, default=2)
    add("--json", type=Path, metavar="OUT")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print, and say by the exit status whether our tuner failed."""
    given = options(arguments)
    sys.path.insert(0, str(given.yardstick))
    from memory_tuning.curves import fit_curve, load_curves
    from memory_tuning.scoring import METHODS

    slow = ("sagemaker_hpo_20", "sagemaker_hpo_20_slo")
    peers = tuple(m for m in METHODS if m not in slow) if given.peers is None else given.peers
    objectives = ("cheapest", "slo") if given.objective == "both" else (given.objective,)
    changed = tuple((n, json.loads(v)) for n, v in (rule.split("=") for rule in given.rule))
    world = World(given.seeds, given.noise, given.truth, objectives, tuple(peers), changed)
    if given.drawn:
        records = drawn_records(given.drawn, DRAWN_SEED)
        curves = [fit_curve(record, given.truth) for record in records]
    else:
        curves = load_curves(given.curves, given.truth)
    priors = held_out(given.curves, given.hold_out) if given.hold_out else {}
    with Pool(given.processes) as pool:
        batches = pool.map(
            partial(play, world=world, library=curves, priors=priors), curves, chunksize=1
        )
    rows = [row for batch in batches for row in batch]
    print(f"{len(curves)} curves x {given.seeds} seeds, noise {given.noise}, truth {given.truth}")
    for objective in objectives:
        print(f"\nobjective {objective}\n{HEAD}", *table(rows, objective, peers), sep="\n")
    if given.json:
        trials = [{**asdict(result), "slo_factor": factor} for result, factor in rows]
        given.json.write_text(json.dumps({"world": asdict(world), "trials": trials}) + "\n")
    errors = [r.error for r, _ in rows if r.method == OURS and r.error]
    print(*errors[:1], sep="\n")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
