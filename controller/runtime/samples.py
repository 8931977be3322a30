"""What CloudWatch has said: windows kept per endpoint, read in one batch per region.

Only what is new is asked for: five-minute windows from the last one kept (two more are read
again, for CloudWatch adds late points), hourly ones when an hour has closed. The first read
of an endpoint goes back two weeks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.core.contract import Answers, KindRules, Readings, Span
from controller.core.periods import (
    DAY_S,
    HOUR_S,
    PUBLICATION_DELAY_S,
    align_down,
    align_up,
    closed_end,
)
from controller.core.probe_traffic import Sent, without
from controller.model.change import Change
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import AdapterError
from controller.model.missing import Missing
from controller.model.policy import Policy, Scope, Slo
from controller.model.window import SeriesQuery, Window
from controller.ports import MetricsReader

RECENT_S = 300
HISTORY_S = 14 * DAY_S
RECENT_KEPT_S = 3 * HOUR_S
NEW_AT_ONCE = 60
"""Endpoints of eight queries over two weeks each: as many as one call of 500 queries takes."""
_NOT_ANSWERED = Missing("not answered")
LATE_PERIODS = 2
"""Periods before the last one kept that are read again."""


@dataclass(frozen=True, slots=True)
class Samples:
    """All windows kept of one endpoint; replaced as a whole."""

    slo: Slo
    read_at_s: float
    recent: tuple[Window, ...] = ()
    hourly: tuple[Window, ...] = ()
    recent_end_s: float = 0.0
    hourly_end_s: float = 0.0
    trial: tuple[Window, ...] = ()
    """One-minute windows of what a change put live, since it did."""
    trial_against: tuple[Window, ...] = ()
    """The same of the version it is compared with, while an alias splits traffic."""
    error: AdapterError | None = None
    """The last read failed as a whole; the windows are those of before."""
    refused: str | None = None
    """CloudWatch answered, but not for this endpoint's requests; why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One endpoint to read."""

    key: EndpointKey
    policy: Policy
    change: Change | None


@dataclass(frozen=True, slots=True)
class _Plan:
    wanted: Wanted
    before: Samples
    recent: Readings
    recent_end_s: float
    hourly: Readings | None
    hourly_end_s: float
    trial: Readings | None
    against: Readings | None

    def series(self) -> Iterable[SeriesQuery]:
        for readings in (self.recent, self.hourly, self.trial, self.against):
            if readings is not None:
                yield from readings.series()


class SampleBook:
    """The windows of every endpoint. One batch writes a key; readers see a whole value."""

    def __init__(
        self,
        reader: MetricsReader,
        rules: Mapping[Kind, KindRules],
        own: Callable[[EndpointKey], tuple[Sent, ...]] = lambda _: (),
    ) -> None:
        """`own`: requests of our own, which are taken out of what is read."""
        self._reader = reader
        self._rules = rules
        self._own = own
        self._samples: dict[EndpointKey, Samples] = {}
        self._users: dict[EndpointKey, tuple[Samples, tuple[Sent, ...], Samples]] = {}

    def get(self, key: EndpointKey) -> Samples | None:
        """What users sent to an endpoint; None before its first read."""
        samples = self._samples.get(key)
        sent = () if samples is None else self._own(key)
        if samples is None or not sent:
            return samples
        kept = self._users.get(key)
        if kept is None or kept[0] is not samples or kept[1] is not sent:
            same = kept is not None and kept[0].hourly is samples.hourly and kept[1] is sent
            # The same hours stay the same object, by which others know that nothing is new.
            hourly = kept[2].hourly if kept and same else without(samples.hourly, sent)
            users = replace(samples, recent=without(samples.recent, sent), hourly=hourly)
            kept = self._users[key] = samples, sent, users
        return kept[2]

    def forget(self, key: EndpointKey) -> None:
        """Drop an endpoint that no policy claims."""
        self._samples.pop(key, None)
        self._users.pop(key, None)

    def read(self, scope: Scope, wanted: Sequence[Wanted], now_s: float) -> None:
        """Bring the samples of some endpoints of one region up to date, in one batched read.

        A failure as a whole is kept with the samples, for each endpoint to hold and say so.
        The first read of an endpoint is two weeks long: a hundred such answers at once would
        take more memory than all that is kept of them, so these come in parts.
        """
        new = [one for one in wanted if self._unread(one.key)]
        known = [one for one in wanted if not self._unread(one.key)]
        parts = [new[start : start + NEW_AT_ONCE] for start in range(0, len(new), NEW_AT_ONCE)]
        for part in (known, *parts):
            if part:
                self._read(scope, part, now_s)

    def _unread(self, key: EndpointKey) -> bool:
        samples = self._samples.get(key)
        return samples is None or samples.hourly_end_s == 0.0

    def _read(self, scope: Scope, wanted: Sequence[Wanted], now_s: float) -> None:
        plans = [self._plan(one, now_s) for one in wanted]
        try:
            answers = self._reader.read(scope, [q for plan in plans for q in plan.series()])
        except AdapterError as error:
            for plan in plans:
                self._samples[plan.wanted.key] = replace(plan.before, error=error)
            return
        for plan in plans:
            self._samples[plan.wanted.key] = _updated(plan, answers, now_s)

    def _plan(self, wanted: Wanted, now_s: float) -> _Plan:
        slo, key = wanted.policy.slo, wanted.key
        rules = self._rules[key.kind]
        before = self._samples.get(key)
        if before is None or _measures(before.slo) != _measures(slo):
            before = Samples(slo, now_s)
        recent = _recent_span(before, slo, now_s)
        hourly = _hourly_span(before, now_s)
        trial, against = _trials(rules, wanted, now_s)
        return _Plan(
            wanted=wanted,
            before=before,
            recent=rules.readings(key, recent, slo),
            recent_end_s=recent.end_s,
            hourly=None if hourly is None else rules.readings(key, hourly, slo),
            hourly_end_s=before.hourly_end_s if hourly is None else hourly.end_s,
            trial=trial,
            against=against,
        )


def _measures(slo: Slo) -> tuple[object, ...]:
    return slo.threshold_ms, slo.percentile, slo.window_s, slo.covers


def _kept_s(slo: Slo) -> float:
    return max(RECENT_KEPT_S, slo.window_s)


def _recent_span(before: Samples, slo: Slo, now_s: float) -> Span:
    end_s = closed_end(now_s, RECENT_S)
    oldest_s = align_down(now_s - _kept_s(slo), RECENT_S)
    start_s = max(oldest_s, before.recent_end_s - LATE_PERIODS * RECENT_S)
    return Span(min(start_s, end_s - RECENT_S), end_s, RECENT_S)


def _hourly_span(before: Samples, now_s: float) -> Span | None:
    end_s = closed_end(now_s, HOUR_S, PUBLICATION_DELAY_S + RECENT_S)
    if end_s <= before.hourly_end_s:
        return None
    oldest_s = align_up(now_s - HISTORY_S, HOUR_S)
    return Span(max(oldest_s, before.hourly_end_s - HOUR_S), end_s, HOUR_S)


def _trials(
    rules: KindRules, wanted: Wanted, now_s: float
) -> tuple[Readings | None, Readings | None]:
    """What a verdict on the open change counts: the candidate, and its rival if there is one."""
    change = wanted.change
    since_s = None if change is None else rules.watching_since_s(change)
    if change is None or since_s is None:
        return None, None
    span = Span(align_up(since_s, 60), closed_end(now_s, 60), 60)
    if span.end_s <= span.start_s:
        return None, None
    return rules.trial(wanted.key, change, span, wanted.policy.slo)


def _updated(plan: _Plan, answers: Answers, now_s: float) -> Samples:
    before, slo = plan.before, plan.before.slo
    refused = plan.recent.refused(answers)
    if refused is not None:
        return replace(before, refused=refused, error=None, trial=(), trial_against=())
    recent = _windows(plan.recent, answers)
    hourly, hourly_end_s = before.hourly, before.hourly_end_s
    if plan.hourly is not None and not _partly(plan.hourly, answers):
        hourly_end_s = plan.hourly_end_s
        new = _windows(plan.hourly, answers)
        hourly = _merged(hourly, new, now_s - HISTORY_S - HOUR_S)
    return Samples(
        slo=slo,
        read_at_s=now_s,
        recent=_merged(before.recent, recent, now_s - _kept_s(slo) - RECENT_S),
        hourly=hourly,
        recent_end_s=plan.recent_end_s,
        hourly_end_s=hourly_end_s,
        trial=_windows(plan.trial, answers),
        trial_against=_windows(plan.against, answers),
    )


def _partly(readings: Readings, answers: Answers) -> bool:
    """Whether CloudWatch refused a series: these hours are asked for again, whole."""
    return any(isinstance(answers.get(q, _NOT_ANSWERED), Missing) for q in readings.series())


def _windows(readings: Readings | None, answers: Answers) -> tuple[Window, ...]:
    return () if readings is None else readings.windows(answers)


def _merged(
    older: Sequence[Window], newer: Sequence[Window], keep_from_s: float
) -> tuple[Window, ...]:
    """Newer readings replace older ones of the same period; what began too early is dropped."""
    by_start = {w.start_s: w for w in older} | {w.start_s: w for w in newer}
    return tuple(by_start[s] for s in sorted(by_start) if s >= keep_from_s)
