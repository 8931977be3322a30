"""PutMetricAlarm's request, checked and turned into a rule.

Facts: exactly one of a metric and a list of metrics and expressions; exactly one of Statistic
and ExtendedStatistic; a math alarm returns one series and has at most ten metrics; periods of
less than an hour may span a day, others seven; M of M out of N is at most N; a percentile
with few samples (below 10 / (1 - p)) can be told not to change the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.sandbox.alarms_state import Rule, Source
from controller.sandbox.alarms_verdict import COMPARISONS
from controller.sandbox.metric_math import names_in
from controller.sandbox.metric_math_values import MathError
from controller.sandbox.metric_query import Query, checked, dimensions_of, invalid
from controller.sandbox.statistic import Statistic, parse_statistic

Params = Mapping[str, Any]

MISSING = ("breaching", "notBreaching", "ignore", "missing")
MOST_METRICS = 10
DAY_S = 86_400
_FOR_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period",
                   "Dimensions", "Unit")  # fmt: skip
_NOT_HERE = ("ThresholdMetricId", "EvaluationCriteria", "EvaluationWindow", "WarmUpConfiguration",
             "EvaluationInterval")  # fmt: skip


def rule_of(params: Params) -> Rule:
    """The rule that a request asks for. Raises 400 ValidationError."""
    for name in _NOT_HERE:
        if name in params:
            raise invalid(f"The sandbox has no alarms with {name}.")
    for name in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
        if name not in params:
            raise invalid(f"The parameter {name} is required.")
    comparison = str(params["ComparisonOperator"])
    if comparison not in COMPARISONS:
        raise invalid(f"The ComparisonOperator {comparison} needs an anomaly detection band.")
    periods = int(params["EvaluationPeriods"])
    datapoints = int(params.get("DatapointsToAlarm", periods))
    if datapoints > periods:
        raise invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
    missing = str(params.get("TreatMissingData", "missing"))
    if missing not in MISSING:
        raise invalid(f"The value {missing} for parameter TreatMissingData is not supported.")
    ignore = _ignores_low_samples(params)
    source = _formula_source(params) if "Metrics" in params else _metric_source(params, ignore)
    _check_length(source.period_s, periods)
    least = _least_samples(source.queries[0].statistic) if ignore and source.samples else None
    return Rule(source, periods, datapoints, float(params["Threshold"]), comparison, missing, least)


def _ignores_low_samples(params: Params) -> bool:
    given = params.get("EvaluateLowSampleCountPercentile")
    if given is None:
        return False
    if given not in ("evaluate", "ignore"):
        raise invalid(
            f"The value {given} for parameter EvaluateLowSampleCountPercentile is not supported."
        )
    if "ExtendedStatistic" not in params:
        raise invalid("EvaluateLowSampleCountPercentile is for percentiles only.")
    return bool(given == "ignore")


def _least_samples(statistic: Statistic) -> float | None:
    """10 / (1 - p) for p of 0.5 or more, 10 / p below; None for what is no percentile."""
    share = statistic.high
    if statistic.family != "p" or share is None:
        return None
    rare = 1.0 - share if share >= 0.5 else share
    return 10.0 / rare if rare > 0 else None


def _metric_source(params: Params, count_samples: bool) -> Source:
    for name in ("MetricName", "Namespace", "Period"):
        if name not in params:
            raise invalid(f"The parameter {name} is required.")
    if ("Statistic" in params) == ("ExtendedStatistic" in params):
        raise invalid("Exactly one of Statistic and ExtendedStatistic must be given.")
    name = str(params.get("Statistic") or params["ExtendedStatistic"])
    period_s = _period(int(params["Period"]))

    def query(query_id: str, statistic: str) -> Query:
        return Query(
            id=query_id,
            namespace=str(params["Namespace"]),
            metric=str(params["MetricName"]),
            dimensions=dimensions_of(params.get("Dimensions", ())),
            period_s=period_s,
            statistic=_statistic(statistic),
            unit=params.get("Unit"),
            label=str(params["MetricName"]),
        )

    watched = query("m1", name)
    if not count_samples:
        return Source((watched,), (), "m1", period_s)
    return Source((watched, query("samples", "SampleCount")), (), "m1", period_s, "samples")


def _statistic(name: str) -> Statistic:
    found = parse_statistic(name)
    if found is None:
        raise invalid(f"The value {name} for parameter ExtendedStatistic is not supported.")
    return found


def _formula_source(params: Params) -> Source:
    for name in _FOR_ONE_METRIC:
        if name in params:
            raise invalid(f"The parameters Metrics and {name} must not be given together.")
    given: Sequence[Params] = params["Metrics"]
    queries, formulas, shown = checked(given)
    if len(shown) != 1:
        raise invalid("Exactly one element of the metrics list should return data.")
    if not queries or len(queries) > MOST_METRICS or len(formulas) > MOST_METRICS:
        raise invalid(
            f"A metric math alarm has 1 to {MOST_METRICS} metrics and at most {MOST_METRICS} "
            "expressions."
        )
    periods = {query.period_s for query in queries}
    periods |= {int(formula.period_s) for formula in formulas if formula.period_s is not None}
    if len(periods) != 1:
        raise invalid("All metrics of an alarm must have the same period.")
    ids = {query.id for query in queries} | {formula.id for formula in formulas}
    for formula in formulas:
        try:
            unknown = {n for n in names_in(formula.expression) if n.islower()} - ids
        except MathError as problem:
            raise invalid(f"Invalid metrics list: {problem}.") from problem
        if unknown:
            raise invalid(f"Invalid metrics list: {min(unknown)} is no Id of it.")
    return Source(tuple(queries), tuple(formulas), shown[0], _period(periods.pop()))


def _period(period_s: int) -> int:
    if period_s % 60:
        raise invalid(f"The sandbox has no alarms with a period of {period_s} seconds.")
    return period_s


def _check_length(period_s: int, periods: int) -> None:
    days = 1 if period_s < 3600 else 7
    if period_s * periods > days * DAY_S:
        raise invalid(
            f"Metrics cannot be checked across more than {days} day{'s' if days > 1 else ''} "
            f"(EvaluationPeriods * Period must be <= {days * DAY_S})."
        )
