"""When requests are due: a Poisson process whose rate follows the phases.

An arrival never waits for an answer: that is what makes the loop open. A closed loop (a user
who waits before asking again) asks less while the endpoint stalls, and so leaves out the very
samples that a percentile is about ("coordinated omission").
"""

import math
from collections.abc import Iterator, Sequence
from random import Random

from controller.model.probing import Phase


def arrivals(phases: Sequence[Phase], dice: Random) -> Iterator[tuple[float, int]]:
    """(seconds since the start, index of the phase), in order.

    By time change: arrival k comes when the integral of the rate reaches the sum of k unit
    exponentials. Within a phase the rate is linear, so the integral can be inverted exactly.
    """
    begin_s = 0.0
    due = dice.expovariate(1.0)
    for index, phase in enumerate(phases):
        slope = (phase.to_rps - phase.from_rps) / phase.duration_s
        while due <= phase.requests:
            yield begin_s + _reached(due, phase.from_rps, slope), index
            due += dice.expovariate(1.0)
        due -= phase.requests
        begin_s += phase.duration_s


def _reached(due: float, rate: float, slope: float) -> float:
    """Where rate x t + slope x t^2 / 2 = due, in the form without cancellation."""
    return 2.0 * due / (rate + math.sqrt(max(0.0, rate * rate + 2.0 * slope * due)))
