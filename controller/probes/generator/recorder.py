"""Keeps the exact samples of a run, watches its stop rules, and sums it up at the end."""

from dataclasses import dataclass, field

from controller.model.missing import Maybe
from controller.model.probe import NOT_TOLD, Failure, ProbeOutcome, ProbeRun, Sample
from controller.probes.generator.health import Health
from controller.probes.stops import Stops

_HOPELESS = {Failure.DENIED, Failure.NOT_FOUND}
WARM_UP = -1


@dataclass(slots=True)
class Recorder:
    """One run, as far as it has come."""

    stops: Stops
    started_at_s: float
    """By the machine's clock."""
    health: Health = field(default_factory=Health)
    samples: list[Sample] = field(default_factory=list)
    why_ended: str | None = None
    """Set once: why the run ends before its plan does."""
    judged: bool = False
    """Whether it ended because of what the endpoint did (too slow, too many errors, flat)."""
    gave_up: bool = False
    """No request can succeed, so it was not run at all."""
    first_trouble: str = ""
    open_loop: bool = True
    failed: int = 0
    _latency_s: float = 0.0

    def end(self, why: str | None) -> None:
        """End the run early, if there is a reason to; the first reason stays."""
        if why is not None and self.why_ended is None:
            self.why_ended = why

    def judge(self, verdict: str | None) -> None:
        """End the run early for what the endpoint did."""
        if verdict is not None and self.why_ended is None:
            self.judged = True
            self.why_ended = verdict

    def add(self, sample: Sample, trouble: str = "") -> None:
        """An outcome."""
        self.samples.append(sample)
        self.failed += sample.error is not None
        if trouble and not self.first_trouble:
            self.first_trouble = trouble
        if sample.phase != WARM_UP:
            self._latency_s += sample.latency_ms / 1000.0
            self.judge(self.stops.answered(sample.latency_ms, failed=sample.error is not None))
        elif sample.error in _HOPELESS and len(self.samples) == 1:
            self.gave_up = True
            self.end(trouble)

    def result(self, ended_at_s: float, span_s: float) -> ProbeRun:
        """The run as it stands. `span_s`: from the first measured request to the last answer."""
        measured = [s for s in self.samples if s.phase != WARM_UP]
        ratio: Maybe[float] = NOT_TOLD
        if self.open_loop:
            ratio = self.health.littles_law_ratio(self._latency_s, len(measured), span_s)
        outcome, detail = self._outcome(ratio, len(measured))
        return ProbeRun(
            outcome=outcome,
            detail=detail,
            started_at_s=self.started_at_s,
            ended_at_s=ended_at_s,
            samples=tuple(self.samples),
            dropped=self.health.dropped,
            cpu_share=self.health.cpu_share,
            littles_law_ratio=ratio,
        )

    def _outcome(self, ratio: Maybe[float], measured: int) -> tuple[ProbeOutcome, str]:
        if self.gave_up:
            return ProbeOutcome.FAILED, f"The first request failed for good: {self.why_ended}."
        dropped = 0 if self.judged else self.health.dropped
        complaint = self.health.complaint(ratio, measured, self._latency_s, dropped)
        if complaint is not None:
            return ProbeOutcome.DISCARDED, f"The generator was measured: {complaint}."
        told = f"{len(self.samples):,} requests, {self.failed:,} failed"
        if self.first_trouble:
            told += f" (first: {self.first_trouble})"
        if not self.samples and self.why_ended is None:
            return ProbeOutcome.FAILED, "No request was due in so short a time at that rate."
        if self.why_ended is not None:
            return ProbeOutcome.ABORTED, f"Ended early, {self.why_ended}; {told}."
        return ProbeOutcome.SUCCEEDED, f"Ran to its end: {told}."
