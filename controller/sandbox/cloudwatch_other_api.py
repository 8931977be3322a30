"""CloudWatch's single-metric operations: GetMetricStatistics, ListMetrics, PutMetricData."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.metric_query import Query, dimensions_of, invalid
from controller.sandbox.metric_reader import Reader
from controller.sandbox.metric_source import LAMBDA, SOURCES, PutMetrics, PutValue
from controller.sandbox.metrics import Dimensions
from controller.sandbox.region import Region
from controller.sandbox.sagemaker.metrics import endpoint_series
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.statistic import Statistic, parse_statistic
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]

MOST_DATAPOINTS = 1440
LISTED_FOR_S = 14 * 86_400.0
PER_PAGE = 500


def get_metric_statistics(world: World, ctx: RequestContext, params: Params) -> Answer:
    """GetMetricStatistics: at most 1,440 points, in no particular order."""
    period_s = int(params["Period"])
    start_s, end_s = params["StartTime"].timestamp(), params["EndTime"].timestamp()
    statistics = _statistics(params)
    if period_s <= 0 or period_s % 60:
        raise AwsError("InvalidParameterValue", "The parameter Period must be a multiple of 60.")
    if start_s >= end_s:
        text = "The parameter StartTime must be less than the parameter EndTime."
        raise AwsError("InvalidParameterValue", text)
    points = -(-(end_s - start_s) // period_s)
    if points > MOST_DATAPOINTS:
        raise AwsError(
            "InvalidParameterCombination",
            f"You have requested up to {points:.0f} datapoints, which exceeds the limit of "
            f"{MOST_DATAPOINTS}. You may reduce the datapoints requested by increasing Period, "
            "or decreasing the time range.",
        )
    queries = [
        Query(
            id=f"q{number}",
            namespace=str(params["Namespace"]),
            metric=str(params["MetricName"]),
            dimensions=dimensions_of(params.get("Dimensions", ())),
            period_s=period_s,
            statistic=statistic,
            unit=params.get("Unit"),
            label=str(params["MetricName"]),
        )
        for number, statistic in enumerate(statistics)
    ]
    results = Reader(world, ctx, ctx.now_s).metrics(queries, (start_s, end_s))
    source = SOURCES.get(str(params["Namespace"]))
    unit = "None" if source is None else source.units.get(str(params["MetricName"]), "None")
    rows: dict[int, dict[str, Any]] = {}
    for query in queries:
        for at_s, value in results[query.id].points:
            row = rows.setdefault(
                at_s, {"Timestamp": datetime.fromtimestamp(at_s, UTC), "Unit": unit}
            )
            if query.statistic.simple is not None:
                row[query.statistic.name] = value
            else:
                row.setdefault("ExtendedStatistics", {})[query.statistic.name] = value
    return {"Label": str(params["MetricName"]), "Datapoints": list(rows.values())}


def _statistics(params: Params) -> list[Statistic]:
    simple, extended = params.get("Statistics") or [], params.get("ExtendedStatistics") or []
    if bool(simple) == bool(extended):
        raise AwsError(
            "InvalidParameterCombination",
            "Must specify either Statistics or ExtendedStatistics, but not both.",
        )
    parsed = []
    for name in (*simple, *extended):
        statistic = parse_statistic(str(name))
        if statistic is None:
            raise AwsError("InvalidParameterValue", f"The value {name} is not a statistic.")
        parsed.append(statistic)
    return parsed


def list_metrics(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListMetrics: series with data in the last two weeks; filters match subsets."""
    region = world.region(ctx.account, ctx.region)
    place = sagemaker_of(world, region)
    endpoints = endpoint_series(place, ctx.now_s - LISTED_FOR_S, ctx.now_s)
    rows = sorted({*_lambda_series(region, ctx.now_s), *endpoints, *_put_series(world, ctx)})
    filters = params.get("Dimensions") or []
    rows = [
        row for row in rows
        if params.get("Namespace") in (None, row[0])
        and params.get("MetricName") in (None, row[1])
        and all(_matches(one, row[2]) for one in filters)
    ]  # fmt: skip
    token = params.get("NextToken")
    if token is not None and not str(token).isdigit():
        raise AwsError("InvalidParameterValue", "The next token is invalid.")
    first = int(token or 0)
    answer: dict[str, Any] = {
        "Metrics": [
            {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions],
            }
            for namespace, metric, dimensions in rows[first : first + PER_PAGE]
        ]
    }
    if first + PER_PAGE < len(rows):
        answer["NextToken"] = str(first + PER_PAGE)
    return answer


def _matches(wanted: Mapping[str, str], dimensions: Dimensions) -> bool:
    return any(
        wanted["Name"] == name and wanted.get("Value") in (None, value)
        for name, value in dimensions
    )


def _lambda_series(region: Region, now_s: float) -> Iterator[tuple[str, str, Dimensions]]:
    """Sets of dimensions that traffic of the last two weeks can have published under."""
    metrics = ("Duration", "Invocations", "Errors", "Throttles", "ConcurrentExecutions")
    for name, history in region.histories.items():
        sets: set[Dimensions] = set()
        for _, _, state in history.between(now_s - LISTED_FOR_S, now_s):
            for stream in state.workload.streams:
                route = state.route(stream.qualifier)
                if route and stream.traffic.mean_rps > 0:
                    aliased = stream.qualifier not in (None, "$LATEST", route[0][0].version)
                    versions = [variant.version for variant, _ in route] if aliased else []
                    sets |= set(_sets(name, stream.qualifier, versions))
        for call in region.invocations.get(name, ()):
            if call.at_s >= now_s - LISTED_FOR_S:
                _, _, qualifier = call.resource.partition(":")
                versions = [] if call.executed_version is None else [call.executed_version]
                sets |= set(_sets(name, qualifier or None, versions))
        yield from ((LAMBDA, metric, one) for metric in metrics for one in sets)
        if sets:
            yield from ((LAMBDA, metric, ()) for metric in metrics)


def _sets(name: str, qualifier: str | None, versions: Sequence[str]) -> Iterator[Dimensions]:
    function = ("FunctionName", name)
    resource = ("Resource", name if qualifier is None else f"{name}:{qualifier}")
    yield (function,)
    yield (function, resource)
    for version in versions:
        yield (("ExecutedVersion", version), function, resource)


def _put_series(world: World, ctx: RequestContext) -> Iterator[tuple[str, str, Dimensions]]:
    for (account, region, namespace, metric, dimensions), values in state_of(
        world, PutMetrics
    ).series.items():
        recent = any(value.at_s >= ctx.now_s - LISTED_FOR_S for value in values)
        if recent and (account, region) == (ctx.account, ctx.region):
            yield namespace, metric, dimensions


def put_metric_data(world: World, ctx: RequestContext, params: Params) -> Answer:
    """PutMetricData: Value, Values with Counts, or StatisticValues; no AWS/ namespace."""
    namespace = str(params["Namespace"])
    if namespace.startswith("AWS/"):
        raise AwsError("InvalidParameterValue",
                       "The value AWS/ for parameter Namespace is invalid.")  # fmt: skip
    data = params.get("MetricData") or []
    if len(data) > 1000:
        text = "The collection MetricData must not have a size greater than 1000."
        raise AwsError("InvalidParameterValue", text)
    series = state_of(world, PutMetrics).series
    for datum in data:
        dimensions = dimensions_of(datum.get("Dimensions", ()))
        name = (ctx.account, ctx.region, namespace, str(datum["MetricName"]), dimensions)
        series.setdefault(name, []).extend(_values(datum, ctx.now_s))
    return {}


def _values(datum: Mapping[str, Any], now_s: float) -> Iterator[PutValue]:
    stamp = datum.get("Timestamp")
    at_s = now_s if stamp is None else float(stamp.timestamp())
    if not now_s - LISTED_FOR_S <= at_s <= now_s + 7200.0:
        raise AwsError("InvalidParameterValue",
                       "The parameter MetricData.member.Timestamp must be within two weeks in the "
                       "past and two hours in the future.")  # fmt: skip
    unit = str(datum.get("Unit", "None"))
    if "StatisticValues" in datum:
        given = datum["StatisticValues"]
        count = float(given["SampleCount"])
        mean = float(given["Sum"]) / count if count else 0.0
        yield PutValue(at_s, mean, count, unit, False, given["Minimum"], given["Maximum"])
        return
    values = datum.get("Values", [datum["Value"]] if "Value" in datum else [])
    counts = datum.get("Counts", [1.0] * len(values))
    if not values or len(values) != len(counts) or len(values) > 150:
        raise invalid("The parameters Values and Counts must be of equal size, from 1 to 150.")
    for value, count in zip(values, counts, strict=True):
        yield PutValue(at_s, float(value), float(count), unit)
