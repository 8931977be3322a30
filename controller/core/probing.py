"""Figures of a probe's samples. Pure.

A failure is never quick: a request that was refused, or that nobody answered, counts as slower
than every answer. A percentile that falls among such requests is Missing, for nobody knows how
late they would have been. (The other way, leaving them out, lets an endpoint look faster the
more of its slow requests time out.)
"""

import math
from collections.abc import Sequence

from controller.model.missing import Maybe, Missing
from controller.model.probe import NO_SUCCESS
from controller.model.probing import Phase

DROPPED_ALLOWED = 0.01
MANY = 10_000.0
POWER_TUNING_DISCARD = 0.2
"""aws-lambda-power-tuning's `discardTopBottom`: share taken off at each end, 0-0.4."""


def quantile_ms(answers_ms: Sequence[float], failed: int, share: float) -> Maybe[float]:
    """The latency within which `share` (0-1) of all requests were answered as they should be.

    `answers_ms`: of those that were, in order; `failed`: how many were not. By the nearest rank:
    the smallest latency that at least that share did not exceed.
    """
    if not answers_ms:
        return NO_SUCCESS
    requests = len(answers_ms) + failed
    place = max(1, math.ceil(share * requests - 1e-9))
    if place > len(answers_ms):
        return Missing(
            f"{failed:,} of {requests:,} requests failed: more than {1 - share:.3g} of them"
        )
    return answers_ms[place - 1]


def trimmed_mean(values: Sequence[float], discard: float = POWER_TUNING_DISCARD) -> Maybe[float]:
    """The mean without the largest and smallest share, as aws-lambda-power-tuning has it.

    For comparisons: it hides the tail that an SLO is about. Raises ValueError where `discard`
    is not within 0-0.4.
    """
    if not 0.0 <= discard <= 0.4:
        raise ValueError(f"cannot discard {discard} at each end")
    if not values:
        return NO_SUCCESS
    off = math.floor(len(values) * discard)
    kept = sorted(values)[off : len(values) - off]
    return sum(kept) / len(kept)


def crowded(phases: Sequence[Phase], latency_ms: float, max_in_flight: int) -> str | None:
    """Why phases cannot be kept up within the limit, if they cannot.

    By Little's law rate times latency are under way on average; arrivals that find no place are
    dropped, and a run of which more than one in a hundred was dropped is thrown away.
    """
    busiest = max((max(phase.from_rps, phase.to_rps) for phase in phases), default=0.0)
    under_way = busiest * latency_ms / 1000.0
    needed = places_for(under_way)
    if needed <= max_in_flight:
        return None
    return (
        f"at {busiest:g} requests a second of some {latency_ms:.0f} ms about {under_way:.0f} are"
        f" under way on average and {needed} at times, and no more than {max_in_flight} may be"
    )


def places_for(under_way: float) -> int:
    """Places that all but one in a hundred random arrivals find free, where so many are taken on
    average (Erlang's loss formula)."""
    if under_way > MANY:
        return math.ceil(under_way)  # then chance hardly matters
    places, refused = 0, 1.0
    while refused > DROPPED_ALLOWED:
        places += 1
        refused = under_way * refused / (places + under_way * refused)
    return places
