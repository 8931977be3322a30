"""What a decision for one endpoint costs, its evidence loaded, for all three kinds.

    python -m bench.decide [--days 2] [--seed 0]

A controller lives through some days of the demo account; then each of its endpoints is decided
on again and again, on one core and without AWS. `decision`: everything anew, from two weeks of
hours to a guarded decision, as when an hour has closed. `tick`: on the beliefs of that hour, as
in all other ticks. Prints JSON. `cpu` is the fastest twentieth of CPU times: what it costs where
nobody else empties the caches; `cpuMedian` and `wallMedian` tell how busy the machine was.
Linear algebra is told to use one thread, or its idle ones would be counted.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from typing import Any

THREADS = "OPENBLAS_NUM_THREADS"
TIMES = 200
WANTED_MS = 2.0
MANY_SIZES = 85
"""The wish is for endpoints with about ninety sizes to choose from."""


def timed_ms(call: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of a call."""
    call()
    cpu, wall = [], []
    for _ in range(TIMES):
        began, began_wall = time.process_time(), time.perf_counter()
        call()
        cpu.append(1e3 * (time.process_time() - began))
        wall.append(1e3 * (time.perf_counter() - began_wall))
    cpu.sort()
    wall.sort()
    middle = TIMES // 2
    found = {"cpu": cpu[TIMES // 20], "cpuMedian": cpu[middle], "wallMedian": wall[middle]}
    return {name: round(value, 3) for name, value in found.items()}


def measure(days: float, seed: int) -> dict[str, Any]:
    """Figures by endpoint, and the worst of each kind."""
    from bench.simulated_month import DAY_S, begin
    from controller.core.assess import assess, believe
    from controller.core.guard import Fleet
    from controller.demo.stage import START_S
    from controller.model.missing import Missing
    from controller.model.policy import FleetLimits
    from controller.runtime.stepper import Stepper

    app, clock, _ = begin(seed, endpoints=True)
    Stepper(app.engine, clock).run_until(START_S + days * DAY_S)
    fleet = Fleet(FleetLimits(), 0, 0, 0, Missing("no fleet budget is set"))
    endpoints = {}
    for entry in app.roster.entries():
        observed = app.hands.observer.observe(
            entry, fleet, clock.now_s(), lease_held=True, fresh=False
        )
        sizing = app.rules[entry.key.kind].sizing(app.hands.prices, observed.state)
        beliefs = believe(observed, sizing)
        made = beliefs.made
        endpoints[entry.key.name] = {
            "kind": str(entry.key.kind),
            "sizes": 0 if isinstance(made, Missing) else len(made),
            "hours": len(observed.windows.hourly),
            "rows": len(observed.rows),
            "decisionMs": timed_ms(
                lambda o=observed, s=sizing: assess(o, s, believe(o, s))  # type: ignore[misc]
            ),
            "tickMs": timed_ms(
                lambda o=observed, s=sizing, b=beliefs: assess(o, s, b)  # type: ignore[misc]
            ),
        }
    app.close()
    return {"wantedMs": WANTED_MS, **_worst(endpoints), "endpoints": endpoints}


def _worst(endpoints: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The slowest of each kind, and whether the wish for many sizes is met."""
    kinds = sorted({one["kind"] for one in endpoints.values()})
    worst = {
        what: {k: max(o[what]["cpu"] for o in endpoints.values() if o["kind"] == k) for k in kinds}
        for what in ("decisionMs", "tickMs")
    }
    many = [o["decisionMs"]["cpu"] for o in endpoints.values() if o["sizes"] >= MANY_SIZES]
    return {
        "worstDecisionMs": worst["decisionMs"],
        "worstTickMs": worst["tickMs"],
        "keptWithManySizes": max(many, default=0.0) <= WANTED_MS,
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    # Before numpy is imported, which reads it once
    os.environ[THREADS] = "1"
    print(json.dumps(measure(options.days, options.seed), indent=2))


if __name__ == "__main__":
    main()
