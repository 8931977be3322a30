"""Weeks in which things go wrong: ours beside what people do today, and beside hindsight.

    python -m bench.closed_loop --traffic FILE [FILE ...] [--days 14] [--seed 0] [--json OUT]

One account with a function, a serverless and a real-time endpoint, driven by a trace (see
`bench.closed_scene`): a code regression on the third day, a quiet weekend, twice the traffic
from the tenth day on. Every column lives through the same weeks of the same world:

  doNothing       the hand-set sizes, for ever
  targetTracking  the same, but AWS moves the number of instances by a copied target
  threshold       a script, hourly: double on a breach, halve below half of the SLO
  ours            the real controller, mode Enforce, virtual time, default policies
  oursWindows     the same, told which share of five-minute windows instances are to meet
  oursCopies      the same, and instance types may be measured by copies
  weeklyOptimum   by the world's truth, one size a week; hourlyOptimum: one an hour

Dollars are those of the weeks, as AWS bills them; `windowsMet` is the share of five-minute
windows (of at least 20 requests) in which no more than one in twenty was slow; `surelyMet`
counts as broken only those with more slow requests than chance explains (`closed_judge`).
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from bench.closed_judge import judged
from bench.closed_optimum import clairvoyant, hand_set_words
from bench.closed_scene import NAMES, START_S, Scene, policies, scene_of, world_of
from bench.closed_script import ThresholdScript
from controller.app import Wiring, build
from controller.aws.sessions import Connection, Keys
from controller.cli.allocator import collect_less
from controller.clock import VirtualClock
from controller.demo.load import VirtualLoad
from controller.model.change import ChangePhase
from controller.model.policy import PolicySet
from controller.runtime.stepper import Stepper
from controller.sandbox.inprocess_door import attach
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore

HOUR_S = 3600.0
LEVEL_ERROR = 40
PROBES_EVERY_S = 60.0
"""How often a probe under way is looked at."""
Found = dict[str, Any]


def do_nothing(scene: Scene) -> tuple[World, Found]:
    """The hand-set sizes, for ever."""
    world = world_of(scene)
    world.advance_to(scene.end_s)
    return world, {"changes": 0}


def target_tracking(scene: Scene) -> tuple[World, Found]:
    """AWS alone."""
    world = world_of(scene, tracked=True)
    world.advance_to(scene.end_s)
    return world, {"changes": 0}


def threshold(scene: Scene) -> tuple[World, Found]:
    """Once an hour, double or halve."""
    world = world_of(scene)
    script = ThresholdScript(world)
    at_s = START_S
    while at_s < scene.end_s:
        at_s = min(scene.end_s, at_s + HOUR_S)
        world.advance_to(at_s)
        script.look(at_s)
    return world, {"changes": len(script.changes), "words": script.changes}


def ours(scene: Scene) -> tuple[World, Found]:
    """The controller, told the SLOs."""
    return _ours(scene, policies())


def ours_windows(scene: Scene) -> tuple[World, Found]:
    """Told which share of windows instances are to meet, too."""
    return _ours(scene, policies(scene.windows))


def ours_copies(scene: Scene) -> tuple[World, Found]:
    """And allowed to measure instance types by copies."""
    return _ours(scene, policies(scene.windows, copies=True))


def _ours(scene: Scene, told: PolicySet) -> tuple[World, Found]:
    """The controller, from the hand-set state on."""
    world = world_of(scene)
    clock = VirtualClock(world.now_s(), world.advance_to)
    app = build(
        Wiring(
            clock=clock,
            store=SqliteStore.open(":memory:"),
            policies=told,
            connection=Connection(keys=Keys("AKIA123456789012TEST", "x"), max_attempts=1),
            hook=lambda session: attach(session, world),
            budgets=False,
            runner=VirtualLoad(world, clock),
        )
    )
    if app.rounds is not None:
        app.rounds.step_s = PROBES_EVERY_S
    app.engine.resync()
    Stepper(app.engine, clock, rounds=app.rounds).run_until(scene.end_s)
    changes = app.store.changes()[::-1]
    words = [
        f"day {(c.planned_at_s - START_S) / 86_400.0:.2f} {c.key.name}: {c.before} -> {c.target}"
        f" {c.phase} ({c.reason})"
        for c in changes
    ]
    back = sum(change.phase is ChangePhase.ROLLED_BACK for change in changes)
    probes = [probe.usd for probe in app.store.probes()]
    app.close()
    return world, {
        "changes": len(changes),
        "rolledBack": back,
        "probes": len(probes),
        "probesUsd": round(sum(usd for usd in probes if isinstance(usd, float)), 2),
        "words": words,
    }


COLUMNS: dict[str, Callable[[Scene], tuple[World, Found]]] = {
    "doNothing": do_nothing,
    "targetTracking": target_tracking,
    "threshold": threshold,
    "ours": ours,
    "oursWindows": ours_windows,
    "oursCopies": ours_copies,
}


def compare(scene: Scene, names: list[str]) -> Found:
    """All columns of one trace."""
    out: Found = {"traffic": scene.file.stem, "days": scene.days, "handSet": hand_set_words()}
    out |= {name: _column(COLUMNS[name], scene) for name in names}
    out |= clairvoyant(scene)
    weekly = sum(out["weeklyOptimum"].values())
    for name in names:
        out[name]["overWeeklyOptimum"] = round(out[name]["usd"] / weekly - 1.0, 3)
    return out


def _column(run: Callable[[Scene], tuple[World, Found]], scene: Scene) -> Found:
    began_s = time.process_time()
    world, found = run(scene)
    kinds = {kind.value: judged(world, scene, kind) for kind in NAMES}
    windows = sum(kind["windows"] for kind in kinds.values())
    met = sum(kind["windows"] * (kind["windowsMet"] or 0.0) for kind in kinds.values())
    sure = sum(kind["windows"] * (kind["surelyMet"] or 0.0) for kind in kinds.values())
    return {
        "usd": round(sum(kind["usd"] for kind in kinds.values()), 2),
        "windowsMet": round(met / windows, 5) if windows else None,
        "surelyMet": round(sure / windows, 5) if windows else None,
        **found,
        "kinds": kinds,
        "cpuSeconds": round(time.process_time() - began_s, 1),
    }


def _share(text: str) -> float:
    return float(text.removesuffix("%")) / 100.0 if text.endswith("%") else float(text)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traffic", type=Path, nargs="+", required=True)
    parser.add_argument("--days", type=float, default=14.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--windows", type=_share, default=0.999, help="spec.autoscaling.windows, as 99.9%%"
    )
    parser.add_argument("--from-day", type=int, default=0, help="part of the trace left out")
    parser.add_argument("--columns", nargs="+", choices=[*COLUMNS], default=[*COLUMNS])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    collect_less()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(LEVEL_ERROR))
    scenes = [
        replace(
            scene_of(file, options.days, options.seed, options.from_day), windows=options.windows
        )
        for file in options.traffic
    ]
    text = json.dumps({"loops": [compare(s, options.columns) for s in scenes]}, indent=2)
    if options.json is not None:
        options.json.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
