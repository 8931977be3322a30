"""Brings alarms up to the present, minute by minute, from the metrics as they were then.

Facts: an alarm is evaluated every minute; it sees what CloudWatch had published by then; a
state set by hand lasts until the next evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.sandbox.alarms_state import Alarm, AlarmPlace, Source, alarms_of
from controller.sandbox.alarms_verdict import COMPARISONS, MORE_PERIODS, OK, judge
from controller.sandbox.alarms_words import insufficient, state_change, threshold_crossed
from controller.sandbox.cloudwatch_data_api import calculate
from controller.sandbox.metric_points import fault_name
from controller.sandbox.metric_query import Query
from controller.sandbox.metric_reader import Reader, Result
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

MINUTE_S = 60
PATIENCE_S = 75
"""How long after its usual publication a period may be late before it counts as missing."""
LONGEST_S = 13 * 86_400
"""An alarm that nobody looked at for longer is taken up so far back."""


def alarm_state(world: World, account: str, region: str, name: str) -> str | None:
    """`OK`, `ALARM` or `INSUFFICIENT_DATA` now; None where there is no such alarm."""
    place = alarms_of(world, account, region)
    alarm = place.alarms.get(name)
    if alarm is None:
        return None
    catch_up(world, place, [alarm])
    return alarm.state


@dataclass(frozen=True, slots=True)
class AlarmsForSageMaker:
    """What deployments ask: the state of an alarm (`sagemaker_neighbours.Alarms`)."""

    world: World

    def alarm_state(self, account: str, region: str, name: str) -> str | None:
        """As the function of that name."""
        return alarm_state(self.world, account, region, name)


def introduce(world: World, neighbours: Neighbours) -> None:
    """Make alarms known to SageMaker, once."""
    if neighbours.alarms is None:
        neighbours.alarms = AlarmsForSageMaker(world)


def catch_up(world: World, place: AlarmPlace, alarms: Sequence[Alarm]) -> None:
    """Do all evaluations of alarms that are due; alarms on one series are read together."""
    until_s = int(world.now_s() // MINUTE_S) * MINUTE_S
    groups: dict[Source, list[Alarm]] = {}
    for alarm in alarms:
        if alarm.evaluated_s < until_s:
            groups.setdefault(alarm.rule.source, []).append(alarm)
    for source, group in groups.items():
        first = {alarm.name: _first_evaluation(alarm, until_s) for alarm in group}
        reach = max(alarm.rule.periods + MORE_PERIODS + 1 for alarm in group) * source.period_s
        start_s = min(first.values()) - patience_s(world) - reach
        series = read(world, place, source, (start_s // source.period_s * source.period_s, until_s))
        for alarm in group:
            _evaluate(world, place, alarm, series, range(first[alarm.name], until_s + 1, MINUTE_S))
            alarm.evaluated_s = until_s


def patience_s(world: World) -> int:
    """How long after its end a period may stay without data before it counts as missing."""
    return int(world.metric_faults.publication_delay_s) + PATIENCE_S


def _first_evaluation(alarm: Alarm, until_s: int) -> int:
    after = int(alarm.evaluated_s // MINUTE_S) * MINUTE_S + MINUTE_S
    return max(after, until_s - LONGEST_S)


@dataclass(frozen=True, slots=True)
class SeriesRead:
    """Values by the start of their period, and how many samples each rests on."""

    values: Mapping[int, float]
    samples: Mapping[int, float] = field(default_factory=dict)


def read(world: World, place: AlarmPlace, source: Source, between_s: tuple[int, int]) -> SeriesRead:
    """What is known now of an alarm's series. Empty where a formula cannot be computed."""
    ctx = RequestContext(
        "cloudwatch", "alarm", place.account, place.region, "cloudwatch", world.now_s()
    )
    points = Reader(world, ctx, world.now_s()).points(source.queries, between_s)
    if not source.formulas:
        samples = points[source.samples] if source.samples is not None else ()
        return SeriesRead(dict(points[source.shown]), dict(samples))
    results = {q.id: Result(q.id, q.label, points[q.id]) for q in source.queries}
    try:
        calculate(results, source.queries, source.formulas, *between_s)
    except AwsError:
        return SeriesRead({})
    return SeriesRead(dict(results[source.shown].points))


def _evaluate(
    world: World, place: AlarmPlace, alarm: Alarm, series: SeriesRead, instants: range
) -> None:
    rule = alarm.rule
    period_s = rule.source.period_s
    length_s = (rule.periods + MORE_PERIODS) * period_s
    breaches, threshold = COMPARISONS[rule.comparison], rule.threshold
    values, seen_s = series.values, _horizon(world, rule.source.queries)
    for now_s in instants:
        end_s = seen_s(now_s) // period_s * period_s
        if end_s == alarm.judged_to_s:
            continue
        alarm.judged_to_s = end_s
        newest = values.get(end_s - period_s)
        # One good period is enough for OK where all must breach.
        good = newest is not None and not breaches(newest, threshold)
        if good and alarm.state == OK and rule.datapoints == rule.periods:
            continue
        slots = _slots(alarm, series, range(end_s - length_s, end_s, period_s))
        verdict = judge(slots, rule.periods, rule.datapoints, rule.missing)
        if verdict is None or verdict == alarm.state:
            continue
        _remember(alarm, series, end_s)
        if not _too_few_samples(alarm, series):
            _change(place, alarm, verdict, now_s)
    if alarm.judged_to_s is not None:
        _remember(alarm, series, alarm.judged_to_s)


def _slots(alarm: Alarm, series: SeriesRead, sight: range) -> tuple[bool | None, ...]:
    breaches, threshold = COMPARISONS[alarm.rule.comparison], alarm.rule.threshold
    found = [series.values.get(at_s) for at_s in sight]
    return tuple([None if value is None else breaches(value, threshold) for value in found])


def _horizon(world: World, queries: Sequence[Query]) -> Callable[[int], int]:
    """From the time of an evaluation to where the periods that it looks at end.

    That is what is published by then, but no further back than patience reaches.
    """
    faults, late_s = world.metric_faults, patience_s(world)
    delay_s = faults.publication_delay_s
    published = [q for q in queries if q.namespace.startswith(("AWS/", "/aws/"))]
    if not published:
        return lambda now_s: now_s
    if not any(fault.kind == "delay" for fault in faults.faults):
        return lambda now_s: int((now_s - delay_s) // MINUTE_S) * MINUTE_S

    def seen_s(now_s: int) -> int:
        owners = [(fault_name(query.dimensions), query.metric) for query in published]
        until_s = min(faults.visible_until(now_s, *owner) for owner in owners)
        return max(until_s, now_s - late_s)

    return seen_s


def _remember(alarm: Alarm, series: SeriesRead, end_s: int) -> None:
    """Keep the periods that were looked at, and the newest N data points among them."""
    rule = alarm.rule
    period_s = rule.source.period_s
    sight = range(end_s - (rule.periods + MORE_PERIODS) * period_s, end_s, period_s)
    alarm.slots = _slots(alarm, series, sight)
    values = series.values
    points = [(at_s, values[at_s]) for at_s in sight if at_s in values]
    alarm.recent = tuple(points[-rule.periods :])


def _too_few_samples(alarm: Alarm, series: SeriesRead) -> bool:
    least = alarm.rule.least_samples
    if least is None or not alarm.recent:
        return False
    return series.samples.get(alarm.recent[-1][0], 0.0) < least


def _change(place: AlarmPlace, alarm: Alarm, state: str, now_s: int) -> None:
    if alarm.recent and state != "INSUFFICIENT_DATA":
        reason, data = threshold_crossed(alarm, state, now_s)
    else:
        reason, data = insufficient(alarm, state, now_s)
    set_state(place, alarm, state, (reason, data), now_s)


def set_state(
    place: AlarmPlace, alarm: Alarm, state: str, why: tuple[str, str | None], now_s: float
) -> None:
    """Put an alarm into a state, with (reason, machine-readable reason), and say so."""
    before = alarm.state, alarm.reason
    alarm.reason, alarm.reason_data = why
    alarm.updated_s = now_s
    if state == alarm.state:
        return
    alarm.state = state
    alarm.transitioned_s = now_s
    summary, data = state_change(before, alarm)
    place.note(now_s, alarm.name, "StateUpdate", summary, data)
