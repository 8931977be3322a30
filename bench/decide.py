"""What a decision for one endpoint costs, its evidence loaded.

    python -m bench.decide [--days 2] [--seed 0]

A controller lives through some days of the demo account; then each of its endpoints is decided
on again and again, on one core and without AWS. `decision`: everything anew, from two weeks of
hours to a guarded decision, as when an hour has closed. `tick`: on the beliefs of that hour, as
in all other ticks. Prints JSON; milliseconds are the median of CPU time.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from bench.simulated_month import DAY_S, begin
from controller.core.assess import assess, believe
from controller.core.guard import Fleet
from controller.demo.stage import START_S
from controller.model.missing import Missing
from controller.model.policy import FleetLimits
from controller.runtime.stepper import Stepper

TIMES = 200
WANTED_MS = 2.0


def timed_ms(call: Callable[[], object]) -> float:
    """Median CPU milliseconds of a call."""
    call()
    taken = []
    for _ in range(TIMES):
        began = time.process_time()
        call()
        taken.append(time.process_time() - began)
    return round(1e3 * statistics.median(taken), 3)


def measure(days: float, seed: int) -> dict[str, Any]:
    """Figures by endpoint, and the worst of them."""
    app, clock, _ = begin(seed)
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
    worst = max(one["decisionMs"] for one in endpoints.values())
    return {
        "wantedMs": WANTED_MS,
        "worstDecisionMs": worst,
        "kept": worst <= WANTED_MS,
        "endpoints": endpoints,
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(measure(options.days, options.seed), indent=2))


if __name__ == "__main__":
    main()
