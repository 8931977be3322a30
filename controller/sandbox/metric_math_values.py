"""Values of metric math and what its functions do to them.

A value is a number, a time series (a dict from period start to value) or a list of series.
Between two series, arithmetic has points only where both have one, as in CloudWatch.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Series = dict[int, float]
Value = float | Series | list[Series]
Operator = Callable[[float, float], float]


class MathError(ValueError):
    """What is wrong with an expression, in words."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an expression may refer to.

    series: results by id; periods: their periods in seconds; start_s, end_s, period_s: the
    times that FILL and constants cover.
    """

    series: Mapping[str, Series]
    periods: Mapping[str, int]
    start_s: int
    end_s: int
    period_s: int

    def times(self) -> range:
        """All period starts of the call."""
        return range(self.start_s, self.end_s, self.period_s)


def as_series(value: Value) -> Series:
    if isinstance(value, dict):
        return value
    raise MathError("A time series is needed here")


def as_list(value: Value) -> list[Series]:
    return value if isinstance(value, list) else [as_series(value)]


def combine(apply: Operator, left: Value, right: Value) -> Value:
    if isinstance(left, list):
        return [as_series(combine(apply, one, right)) for one in left]
    if isinstance(right, list):
        return [as_series(combine(apply, left, one)) for one in right]
    if isinstance(left, dict):
        if isinstance(right, dict):
            pairs = {t: apply(left[t], right[t]) for t in left if t in right}
        else:
            pairs = {t: apply(v, right) for t, v in left.items()}
    elif isinstance(right, dict):
        pairs = {t: apply(left, v) for t, v in right.items()}
    else:
        return apply(left, right)
    return {t: v for t, v in pairs.items() if not math.isnan(v)}


def filled(series: Series, how: Value | str, context: Context) -> Series:
    result = dict(series)
    known = sorted(series)
    for at_s in context.times():
        if at_s in series:
            continue
        if isinstance(how, float):
            result[at_s] = how
        elif isinstance(how, dict):
            if at_s in how:
                result[at_s] = how[at_s]
        elif how == "REPEAT":
            earlier = [t for t in known if t < at_s]
            if earlier:
                result[at_s] = series[earlier[-1]]
        else:
            before = [t for t in known if t < at_s]
            after = [t for t in known if t > at_s]
            if before and after:
                share = (at_s - before[-1]) / (after[0] - before[-1])
                low, high = series[before[-1]], series[after[0]]
                result[at_s] = low + (high - low) * share
    return dict(sorted(result.items()))


def _fold(of: Callable[[Sequence[float]], float]) -> Callable[[Context, list[Value]], Value]:
    """SUM and its like: of several series point by point; of one series a number."""

    def fold(context: Context, arguments: list[Value]) -> Value:
        if len(arguments) == 1 and isinstance(arguments[0], dict):
            return of(list(arguments[0].values())) if arguments[0] else 0.0
        lists = [series for value in arguments for series in as_list(value)]
        times = sorted({t for series in lists for t in series})
        return {t: of([series[t] for series in lists if t in series]) for t in times}

    return fold


def _each(of: Callable[[float], float]) -> Callable[[Context, list[Value]], Value]:
    """ABS and its like: every point by itself."""

    def apply(context: Context, arguments: list[Value]) -> Value:
        return combine(lambda value, _: of(value), arguments[0], 0.0)

    return apply


def _if(context: Context, arguments: list[Value]) -> Value:
    if len(arguments) not in (2, 3):
        raise MathError("IF takes a condition and one or two values")
    condition = arguments[0]
    if not isinstance(condition, dict):
        raise MathError("IF needs a time series as its condition")
    result: Series = {}
    for at_s, truth in condition.items():
        chosen = arguments[1] if truth else (arguments[2] if len(arguments) == 3 else None)
        if isinstance(chosen, dict):
            if at_s in chosen:
                result[at_s] = chosen[at_s]
        elif isinstance(chosen, float):
            result[at_s] = chosen
    return result


def _running_sum(context: Context, arguments: list[Value]) -> Value:
    total, sums = 0.0, {}
    for at_s, value in sorted(as_series(arguments[0]).items()):
        total += value
        sums[at_s] = total
    return sums


def _time_series(context: Context, arguments: list[Value]) -> Value:
    value = arguments[0]
    if not isinstance(value, float):
        raise MathError("TIME_SERIES takes a number")
    return dict.fromkeys(context.times(), value)


FUNCTIONS: Mapping[str, Callable[[Context, list[Value]], Value]] = {
    "SUM": _fold(math.fsum),
    "AVG": _fold(lambda values: math.fsum(values) / len(values)),
    "MIN": _fold(min),
    "MAX": _fold(max),
    "ABS": _each(abs),
    "CEIL": _each(lambda value: float(math.ceil(value))),
    "FLOOR": _each(lambda value: float(math.floor(value))),
    "IF": _if,
    "PERIOD": lambda context, _: float(context.period_s),
    "RUNNING_SUM": _running_sum,
    "TIME_SERIES": _time_series,
    "DATAPOINT_COUNT": lambda _, arguments: float(len(as_series(arguments[0]))),
}
