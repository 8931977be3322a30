"""The end against the start, and the controller's figures against the world's truth.

*Before* is what the size of the start would do under the code and the traffic of the end, so
that a release that somebody else made in between is not booked as the controller's doing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from controller.core.conditions import current_candidate
from controller.core.probe_cost import spent_on
from controller.demo.figures import Figures, cheapest, figures, live_size
from controller.demo.play import Course
from controller.demo.stage import Stage
from controller.model.change import Change, ChangePhase
from controller.model.decision import Assessment
from controller.model.demand import Interval
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Candidate
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy, Slo
from controller.model.probe import ProbeRecord
from controller.model.reason import Reason
from controller.model.size import Size
from controller.telemetry.metrics import Telemetry

REFUSED_LIMIT = 0.005
"""A size that refuses more requests than this keeps no SLO, however fast the others are."""
NO_PRICE = Missing("no price")
_METRICS_REQUESTED = "rightsizer_cloudwatch_metrics_requested_total"
_SELF_COST = "rightsizer_self_cost_dollars_total"
_REQUESTS = "rightsizer_aws_requests_total"


@dataclass(frozen=True, slots=True)
class Estimated:
    """The controller's own figures at the end, all about the size that it left.

    p95_ms: as CloudWatch has it over the SLO's window. usd_per_month: expected for this
    size; usd_per_month_before: expected for the size of the start.
    """

    p95_ms: Maybe[float]
    usd_per_month: Maybe[Interval]
    usd_per_month_before: Maybe[Interval]

    @property
    def saves_usd_per_month(self) -> Maybe[float]:
        """Difference of the central values."""
        if isinstance(self.usd_per_month_before, Missing):
            return self.usd_per_month_before
        if isinstance(self.usd_per_month, Missing):
            return self.usd_per_month
        return self.usd_per_month_before.mid - self.usd_per_month.mid


@dataclass(frozen=True, slots=True)
class Entry:
    """One endpoint. `start`, `before`, `after` and `cheapest` are the truth.

    start: as it was found. before: the same size at the end. after: what it has at the end.
    cheapest: the cheapest size of the ladder that truly meets the SLO; None if none does.
    """

    key: EndpointKey
    slo: Slo
    start: Figures
    before: Figures
    after: Figures
    cheapest: Figures | None
    estimated: Estimated
    changes: Sequence[Change]
    """Oldest first."""
    holds: Mapping[Reason, int]
    last: Assessment
    probes: Sequence[ProbeRecord] = ()
    """Of copies, oldest first."""

    def meets(self, truth: Figures) -> bool:
        """Whether a size truly keeps the SLO."""
        if truth.met_ratio is None or truth.refused_share >= REFUSED_LIMIT:
            return False
        return truth.met_ratio >= self.slo.percentile

    @property
    def saves_usd_per_month(self) -> Maybe[float]:
        """The true saving; negative where keeping the SLO costs more."""
        before, after = self.before.usd_per_month, self.after.usd_per_month
        return NO_PRICE if before is None or after is None else before - after

    def count(self, phase: ChangePhase) -> int:
        """How many changes ended so."""
        return sum(1 for change in self.changes if change.phase is phase)

    @property
    def probes_usd(self) -> float:
        """What its probes cost, by what was billed; of one that runs, what it may cost."""
        return sum(spent_on(record) for record in self.probes)


@dataclass(frozen=True, slots=True)
class Polling:
    """What looking cost: calls by (service, operation, code), and CloudWatch's bill."""

    calls: Mapping[tuple[str, str, str], int]
    metrics_requested: int
    usd: float
    usd_per_month: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything the summary shows."""

    course: Course
    entries: Sequence[Entry]
    """By name."""
    polling: Polling

    @property
    def before_usd_per_month(self) -> Maybe[float]:
        """Of all endpoints together, left alone."""
        return _total_usd(entry.before for entry in self.entries)

    @property
    def after_usd_per_month(self) -> Maybe[float]:
        """Of all endpoints together, as they were left."""
        return _total_usd(entry.after for entry in self.entries)

    @property
    def saves_usd_per_month(self) -> Maybe[float]:
        """Of all endpoints together, truly."""
        before, after = self.before_usd_per_month, self.after_usd_per_month
        if isinstance(before, Missing):
            return before
        return after if isinstance(after, Missing) else before - after

    @property
    def hindsight_usd_per_month(self) -> Maybe[float]:
        """The least that keeps every SLO; an endpoint that no size would do for stays as it is."""
        return _total_usd(entry.cheapest or entry.after for entry in self.entries)

    @property
    def probes(self) -> Sequence[ProbeRecord]:
        """Of all endpoints."""
        return [record for entry in self.entries for record in entry.probes]

    @property
    def probes_usd(self) -> float:
        """What they cost."""
        return sum(entry.probes_usd for entry in self.entries)

    @property
    def estimated_saving(self) -> float:
        """The same by the controller's estimates, where it has some."""
        savings = [entry.estimated.saves_usd_per_month for entry in self.entries]
        return sum(saving for saving in savings if not isinstance(saving, Missing))

    def count(self, phase: ChangePhase) -> int:
        """How many changes ended so."""
        return sum(entry.count(phase) for entry in self.entries)


def _total_usd(truths: Iterable[Figures]) -> Maybe[float]:
    """Missing where one has no price: a sum without it would look like a saving."""
    each = [truth.usd_per_month for truth in truths]
    known = [usd for usd in each if usd is not None]
    return sum(known) if len(known) == len(each) else NO_PRICE


def drawn_up(stage: Stage, course: Course) -> Ledger:
    """The ledger of a play that is over."""
    policies = {policy.name: policy for policy in stage.policies.policies}
    entries = [
        _entry(stage, course, key, policies[assessment.policy])
        for key, assessment in sorted(course.last.items(), key=lambda item: item[0].name)
        if assessment.state is not None
    ]
    return Ledger(course, entries, _polling(stage.app.telemetry, course))


def _entry(stage: Stage, course: Course, key: EndpointKey, policy: Policy) -> Entry:
    world, last, start = stage.world, course.last[key], course.start[key]
    size = live_size(world, key, last.state.size if last.state is not None else start.size)
    return Entry(
        key=key,
        slo=policy.slo,
        start=start,
        before=figures(world, key, start.size, policy.slo),
        after=figures(world, key, size, policy.slo),
        cheapest=cheapest(world, key, policy, last.candidates),
        estimated=_estimated(last, course.first[key], start.size),
        changes=tuple(reversed(stage.app.store.changes(key, since_s=course.start_s))),
        holds=course.holds.get(key, Counter()),
        last=last,
        probes=tuple(reversed(stage.app.store.probes(key, since_s=course.start_s))),
    )


def _estimated(last: Assessment, first: Assessment, start: Size) -> Estimated:
    before = next((c for c in last.candidates if c.estimate.size == start), None)
    return Estimated(
        p95_ms=last.slo if isinstance(last.slo, Missing) else last.slo.p95_ms,
        usd_per_month=_cost(current_candidate(last)),
        # a size that is not on the ladder was estimated only while it was the live one
        usd_per_month_before=_cost(before or current_candidate(first)),
    )


def _cost(candidate: Candidate | None) -> Maybe[Interval]:
    if candidate is None:
        return Missing("no estimate was made")
    return candidate.estimate.usd_per_month


def _polling(telemetry: Telemetry, course: Course) -> Polling:
    """From the controller's own metrics, as a scrape would show them."""
    text = telemetry.render()[0].decode()
    usd = sum(value for _, value in _samples(text, _SELF_COST))
    months = (course.end_s - course.start_s) / (730.0 * 3600.0)
    return Polling(
        calls={
            (labels["service"], labels["operation"], labels["code"]): round(value)
            for labels, value in _samples(text, _REQUESTS)
        },
        metrics_requested=round(sum(value for _, value in _samples(text, _METRICS_REQUESTED))),
        usd=usd,
        usd_per_month=usd / months if months > 0.0 else 0.0,
    )


def _samples(text: str, name: str) -> Iterator[tuple[Mapping[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name:
                yield sample.labels, sample.value
