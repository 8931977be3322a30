"""What a run of the generator becomes: a record in the journal and a row of evidence.

Cold starts are kept apart: they are counted and billed, and no latency of theirs goes into a
percentile. Failures never lower one either: in a record every one of them counts as slower than
any answer; in evidence, which is about latency alone, those do that nobody waited out, and those
of a user's locustfile, for which nobody knows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from controller.core.probe_cost import Tariff, counted_usd
from controller.core.probe_traffic import LIVE, SHADOW
from controller.core.probing import quantile_ms
from controller.model.endpoint import Kind
from controller.model.estimate import Observation
from controller.model.missing import Maybe, Missing
from controller.model.policy import Covers, Slo
from controller.model.probe import (
    Failure,
    ProbeKind,
    ProbeOutcome,
    ProbePlan,
    ProbeRecord,
    ProbeRun,
    Sample,
)
from controller.model.size import RealtimeSize, measured_as

SOURCE = {ProbeKind.SHADOW: SHADOW, ProbeKind.LIVE: LIVE}
"""What a row of evidence says that it comes from."""
_OF_THE_CODE = (Failure.OUT_OF_MEMORY, Failure.TIMEOUT, Failure.FUNCTION, Failure.MODEL)
_NOT_WAITED_OUT = (Failure.TIMEOUT, Failure.UNFINISHED, Failure.CLIENT)


MOST_ROWS = 6
LEAST_REQUESTS = 30
"""Of a row, where a phase is long enough for several …"""
LIGHT_S = 60.0
"""… which it is when it is longer than this."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run showed, in the measure that the SLO speaks of."""

    latencies_ms: tuple[float, ...]
    """Of warm answers that were as they should be, in order of size."""
    requests: int
    """Everything sent, warm-up included."""
    errors: int
    cold_starts: int
    mistakes: Counter[str]
    """Failures by class."""
    memory_used_mb: int | None
    failed: int = 0
    """Failures after the warm-up, and what was due but not sent."""

    def quantile(self, share: float) -> Maybe[float]:
        """The smallest latency that at least this share of requests did not exceed."""
        return quantile_ms(self.latencies_ms, self.failed, share)

    @property
    def mean_ms(self) -> float:
        """0 where nothing succeeded."""
        return sum(self.latencies_ms) / len(self.latencies_ms) if self.latencies_ms else 0.0


def found_in(run: ProbeRun, kind: Kind, covers: Covers) -> Found:
    """Sort the samples of a run."""
    good = [s for s in run.samples if s.error is None]
    warm = sorted(latency_ms(s, kind, covers) for s in good if not s.cold and s.phase >= 0)
    used = [s.memory_used_mb for s in run.samples if not isinstance(s.memory_used_mb, Missing)]
    mistakes = Counter(s.error for s in run.samples if s.error is not None)
    return Found(
        latencies_ms=tuple(warm),
        requests=len(run.samples),
        errors=len(run.samples) - len(good),
        cold_starts=sum(1 for s in run.samples if s.cold),
        mistakes=mistakes,
        memory_used_mb=max(used, default=None),
        failed=run.dropped + sum(1 for s in run.samples if s.error is not None and s.phase >= 0),
    )


def latency_ms(sample: Sample, kind: Kind, covers: Covers) -> float:
    """In the measure of the objective: a function's own duration, where its answer tells it.

    Of a SageMaker endpoint only the client's side is seen: a little more than the model took.
    """
    told = sample.duration_ms
    own = kind is Kind.LAMBDA_FUNCTION and covers is not Covers.CLIENT
    return sample.latency_ms if isinstance(told, Missing) or not own else told


def usable(run: ProbeRun, kind: Kind, covers: Covers) -> bool:
    """Whether the latencies of a run may be believed.

    Where the generator was too busy, what it saw is its own delay; a function's duration, told
    by Lambda itself, is not touched by that.
    """
    if run.outcome is not ProbeOutcome.DISCARDED:
        return run.outcome.teaches
    own = kind is Kind.LAMBDA_FUNCTION and covers is not Covers.CLIENT
    good = [s for s in run.samples if s.error is None]
    return own and bool(good) and not any(isinstance(s.duration_ms, Missing) for s in good)


def closed(
    record: ProbeRecord, run: ProbeRun, found: Found, rate: Maybe[Tariff], standing_s: float
) -> ProbeRecord:
    """The record of a probe that has ended; one whose samples are lost cost what was expected."""
    usd = rate if isinstance(rate, Missing) else counted_usd(rate, run.samples, standing_s)
    if run.lost:
        usd = record.usd_estimated
    return replace(
        record,
        ended_at_s=run.ended_at_s,
        outcome=run.outcome,
        detail=run.detail,
        usd=usd,
        requests=found.requests,
        errors=found.errors,
        unexpected=found.mistakes[Failure.UNEXPECTED],
        broken=sum(found.mistakes[kind] for kind in _OF_THE_CODE),
        cold_starts=found.cold_starts,
        p50_ms=found.quantile(0.5),
        p95_ms=found.quantile(0.95),
    )


def rows_of(plan: ProbePlan, run: ProbeRun, found: Found, slo: Slo) -> tuple[Observation, ...]:
    """A run as evidence; none where it teaches nothing.

    Of an instance every phase makes rows of its own, for latency follows the load.
    """
    if not usable(run, plan.target.key.kind, slo.covers):
        return ()
    if not isinstance(plan.size, RealtimeSize):
        late = _late(run.samples)
        row = _row(plan, found.latencies_ms, late, run.started_at_s, run.ended_at_s, slo)
        return () if row is None else (row,)
    rows: list[Observation] = []
    start_s, until_s = run.started_at_s, _sent_until_s(run)
    for number, phase in enumerate(plan.phases):
        mine = [s for s in run.samples if s.phase == number and not s.cold]
        end_s = min(start_s + phase.duration_s, until_s)
        rows += _of_phase(plan, mine, (start_s, end_s), run.started_at_s, slo)
        start_s = end_s
    return tuple(rows)


def _sent_until_s(run: ProbeRun) -> float:
    """When the load ended: of a run that ended early with the last request, for answers were
    waited for some seconds longer, and a load that looks lower would be what is not borne."""
    if run.outcome is not ProbeOutcome.ABORTED:
        return run.ended_at_s
    last_s = max((sample.at_s for sample in run.samples), default=0.0)
    return min(run.ended_at_s, run.started_at_s + max(0.0, last_s))


def _of_phase(
    plan: ProbePlan,
    samples: Sequence[Sample],
    span: tuple[float, float],
    began_s: float,
    slo: Slo,
) -> list[Observation]:
    """A long phase in up to six rows: how they scatter says how sure the level is."""
    parts = min(MOST_ROWS, len(samples) // LEAST_REQUESTS)
    parts = parts if parts > 1 and span[1] - span[0] > LIGHT_S else 1
    step_s = (span[1] - span[0]) / parts
    found = []
    for part in range(parts):
        start_s = span[0] + part * step_s
        last = part == parts - 1
        mine = [
            s
            for s in samples
            if start_s <= began_s + s.at_s and (last or began_s + s.at_s < start_s + step_s)
        ]
        good = [s for s in mine if s.error is None]
        latencies = sorted(latency_ms(s, plan.target.key.kind, slo.covers) for s in good)
        row = _row(plan, latencies, _late(mine), start_s, start_s + step_s, slo)
        if row is not None:
            found.append(replace(row, load_rps=row.requests / max(step_s, 1e-3)))
    return found


def _late(samples: Sequence[Sample]) -> int:
    """Requests that nobody waited for any longer: slower than every answer, whatever they had
    become. (An error of the function's says nothing of its speed.)"""
    return sum(1 for s in samples if s.phase >= 0 and s.error in _NOT_WAITED_OUT)


def _row(  # noqa: PLR0917
    plan: ProbePlan, latencies: Sequence[float], late: int, start_s: float, end_s: float, slo: Slo
) -> Observation | None:
    if not latencies:
        return None
    met = sum(1 for ms in latencies if ms <= slo.threshold_ms)

    def at(share: float) -> float:
        found = quantile_ms(latencies, late, share)
        return max(latencies[-1] if isinstance(found, Missing) else found, 1e-3)

    return Observation(
        size=measured_as(plan.size),
        era=plan.era,
        start_s=start_s,
        end_s=max(end_s, start_s + 1e-3),
        requests=len(latencies) + late,
        mean_ms=max(sum(latencies) / len(latencies), 1e-3),
        p50_ms=at(0.5),
        p95_ms=at(slo.percentile),
        met_ratio=met / (len(latencies) + late),
        threshold_ms=slo.threshold_ms,
        source=SOURCE[plan.kind],
    )
