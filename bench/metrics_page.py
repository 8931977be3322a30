"""What `/metrics` costs for a large fleet: prints JSON.

    python -m bench.metrics_page [--endpoints 1000] [--times 5]

An account of all three kinds is looked at by a controller; each of its endpoints then stands for
many. `changed_ms`: to take in one look at every endpoint, which the workers do as they go.
`first_ms`: the scrape after that, which finds every endpoint changed. `next_ms`: the scrape
after nothing has changed. Milliseconds are the median of process time.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from bench.simulated_month import begin
from controller.core.conditions import conditions
from controller.demo.stage import START_S
from controller.runtime.stepper import Stepper
from controller.telemetry.metrics import ReconcileResult, Telemetry

WANTED_MS = 150.0
LOOKS_S = 330.0


def spent_ms(call: Callable[[], object]) -> float:
    """Process time of one call."""
    began_s = time.process_time()
    call()
    return 1e3 * (time.process_time() - began_s)


def measure(endpoints: int, times: int) -> dict[str, float]:
    """The figures, and how large the page is."""
    app, clock, _ = begin(0, endpoints=True)
    Stepper(app.engine, clock).run_until(START_S + LOOKS_S)
    entries = app.roster.entries()
    seen = [(e.policy, last) for e in entries if (last := app.recorder.last(e.key)) is not None]
    telemetry = Telemetry(clock.now_s, "bench")

    def look(after_s: float) -> None:
        for number in range(endpoints):
            policy, last = seen[number % len(seen)]
            key = replace(last.key, name=f"{last.key.name}-{number}")
            later = replace(last, key=key, at_s=last.at_s + after_s)
            telemetry.endpoint_assessed(policy, later)
            telemetry.conditions_set(key, policy.name, conditions(last, policy))
            telemetry.reconcile_finished(key, policy.name, ReconcileResult.SUCCESS, 0.1)

    rounds = [
        (spent_ms(partial(look, 300.0 * n)), *(spent_ms(telemetry.render) for _ in range(2)))
        for n in range(times)
    ]
    changed_ms, first_ms, next_ms = (statistics.median(x) for x in zip(*rounds, strict=True))
    body = telemetry.render()[0]
    return {
        "endpoints": endpoints,
        "lines": body.count(b"\n"),
        "bytes": len(body),
        "changed_ms": round(changed_ms, 1),
        "first_ms": round(first_ms, 1),
        "next_ms": round(next_ms, 1),
        "wanted_ms": WANTED_MS,
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.endpoints, asked.times), indent=1))


if __name__ == "__main__":
    main()
