"""CloudWatch GetMetricData: many series and expressions in one call.

Facts: newest points first unless asked otherwise; at most 100,800 points a page, the rest
behind NextToken; expressions refer to other queries by id.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.metric_math import evaluate, names_in
from controller.sandbox.metric_math_values import Context, MathError, Series
from controller.sandbox.metric_query import Formula, Query, checked, invalid
from controller.sandbox.metric_reader import Reader, Result
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

MOST_POINTS = 100_800


def get_metric_data(
    world: World, ctx: RequestContext, params: Mapping[str, Any]
) -> Mapping[str, Any]:
    """GetMetricData."""
    queries, formulas, shown = checked(params["MetricDataQueries"])
    start_s, end_s = params["StartTime"].timestamp(), params["EndTime"].timestamp()
    if start_s >= end_s:
        raise invalid("The parameter EndTime must be greater than StartTime.")
    most = int(params.get("MaxDatapoints") or MOST_POINTS)
    if not 1 <= most <= MOST_POINTS:
        raise invalid(f"MaxDatapoints must be between 1 and {MOST_POINTS}.")
    skip, now_s = _token(params.get("NextToken"), ctx.now_s)
    reader = Reader(world, ctx, now_s)
    results = reader.metrics(queries, (start_s, end_s))
    calculate(results, queries, formulas, start_s, end_s)
    ascending = params.get("ScanBy") == "TimestampAscending"
    wanted = [results[name] for name in shown]
    pieces, more = _page(wanted, skip, most)
    answer: dict[str, Any] = {
        "MetricDataResults": [_view(piece, ascending) for piece in pieces],
        "Messages": [],
    }
    if more is not None:
        answer["NextToken"] = _make_token(more, now_s)
    return answer


def calculate(
    results: dict[str, Result],
    queries: Sequence[Query],
    formulas: Sequence[Formula],
    start_s: float,
    end_s: float,
) -> None:
    """Add the results of expressions, each after those it refers to. Raises 400."""
    periods = {query.id: query.period_s for query in queries}
    waiting = list(formulas)
    ids = {formula.id for formula in formulas}
    try:
        while waiting:
            ready = [
                f for f in waiting
                if not ((names_in(f.expression) & ids) - set(results) - {f.id})
            ]  # fmt: skip
            if not ready:
                raise MathError("The expressions refer to each other in a circle")
            for formula in ready:
                results[formula.id] = _formula(formula, results, periods, (start_s, end_s))
                waiting.remove(formula)
    except MathError as problem:
        raise invalid(f"{problem}.") from problem


def _formula(
    formula: Formula,
    results: Mapping[str, Result],
    periods: Mapping[str, int],
    span_s: tuple[float, float],
) -> Result:
    used = [periods[n] for n in names_in(formula.expression) if n in periods]
    period_s = int(formula.period_s or max(used or periods.values(), default=60))
    context = Context(
        series={name: dict(result.points) for name, result in results.items()},
        periods=periods,
        start_s=int(span_s[0] // period_s) * period_s,
        end_s=int(span_s[1]),
        period_s=period_s,
    )
    found = evaluate(formula.expression, context)
    if len(found) != 1:
        raise MathError(f"The expression {formula.expression!r} gives {len(found)} time series")
    series: Series = found[0]
    result = Result(formula.id, formula.label, sorted(series.items()))
    sources = names_in(formula.expression) & set(results)
    bad = [results[n].status for n in sources if results[n].status != "Complete"]
    result.status = bad[0] if bad else "Complete"
    return result


# --- answering


def _page(results: Sequence[Result], skip: int, most: int) -> tuple[list[Result], int | None]:
    """(results cut to points [skip, skip + most), where the next page begins or None).

    A result that goes on on the next page says PartialData, as CloudWatch's does.
    """
    pieces: list[Result] = []
    before, end = 0, skip + most
    for result in results:
        size = len(result.points)
        low, high = max(0, skip - before), min(size, end - before)
        reached = before + size
        if before <= end and (low < high or (size == 0 and before >= skip)):
            status = "PartialData" if high < size else result.status
            newest_first = result.points[::-1][low:high]
            pieces.append(
                Result(result.id, result.label, newest_first[::-1], status, result.messages)
            )
        before = reached
    return pieces, end if before > end else None


def _view(result: Result, ascending: bool) -> dict[str, Any]:
    points = result.points if ascending else result.points[::-1]
    view: dict[str, Any] = {
        "Id": result.id,
        "Label": result.label,
        "Timestamps": [datetime.fromtimestamp(at_s, UTC) for at_s, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": result.status,
    }
    if result.messages:
        view["Messages"] = result.messages
    return view


def _make_token(skip: int, now_s: float) -> str:
    return base64.urlsafe_b64encode(json.dumps([skip, now_s]).encode()).decode()


def _token(given: str | None, now_s: float) -> tuple[int, float]:
    """(points to skip, instant of the first page). Raises 400 for a token that is not ours."""
    if given is None:
        return 0, now_s
    try:
        skip, at_s = json.loads(base64.urlsafe_b64decode(given))
        return int(skip), float(at_s)
    except (ValueError, TypeError, binascii.Error) as problem:
        raise AwsError("InvalidNextToken", "The next token is invalid.") from problem
