"""One run shared by several workers: the order divided, and the results put together."""

from collections.abc import Sequence
from dataclasses import replace

from controller.model.missing import Maybe, Missing
from controller.model.probe import NOT_TOLD, TOO_FEW, ProbeOutcome, ProbeRun
from controller.model.probing import Phase
from controller.probes.order import Order

_WORST_FIRST = (
    ProbeOutcome.FAILED,
    ProbeOutcome.DISCARDED,
    ProbeOutcome.ABORTED,
    ProbeOutcome.SUCCEEDED,
)


def share_of(order: Order, index: int, workers: int) -> Order:
    """What one worker of several is to do: its part of the rate and of the limits.

    Poisson processes add up: so many independent ones of a part of the rate are one of all.
    """
    most = order.stop.max_requests
    return replace(
        order,
        phases=tuple(
            Phase(p.from_rps / workers, p.to_rps / workers, p.duration_s) for p in order.phases
        ),
        warm_up=order.warm_up if index == 0 else 0,
        max_in_flight=max(1, order.max_in_flight // workers),
        stop=replace(order.stop, max_requests=None if most is None else max(1, most // workers)),
        seed=order.seed + 7919 * index,
    )


def together(runs: Sequence[ProbeRun], workers: int) -> ProbeRun:
    """The parts as one run. The worst part decides what may be believed."""
    worst = min(runs, key=lambda run: _WORST_FIRST.index(run.outcome))
    outcome, detail = worst.outcome, worst.detail
    if len(runs) < workers:
        outcome = ProbeOutcome.DISCARDED
        detail = f"Only {len(runs)} of {workers} workers brought a result."
    elif workers > 1:
        detail = f"{detail} ({workers} workers)"
    return ProbeRun(
        outcome=outcome,
        detail=detail,
        started_at_s=min(run.started_at_s for run in runs),
        ended_at_s=max(run.ended_at_s for run in runs),
        samples=tuple(sorted((s for run in runs for s in run.samples), key=lambda s: s.at_s)),
        dropped=sum(run.dropped for run in runs),
        cpu_share=_most([run.cpu_share for run in runs], NOT_TOLD),
        littles_law_ratio=_mean([run.littles_law_ratio for run in runs]),
    )


def _known(values: Sequence[Maybe[float]]) -> list[float]:
    return [value for value in values if not isinstance(value, Missing)]


def _most(values: Sequence[Maybe[float]], missing: Missing) -> Maybe[float]:
    return max(_known(values), default=missing)


def _mean(values: Sequence[Maybe[float]]) -> Maybe[float]:
    known = _known(values)
    return sum(known) / len(known) if known else TOO_FEW
