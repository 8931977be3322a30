"""What the weeks of `bench.closed_loop` cost and how the SLOs fared, as AWS would show them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.session import Session as BotocoreSession

from bench.closed_scene import (
    ACCOUNT,
    DAY_S,
    NAMES,
    PERCENTILE,
    REGION,
    REGRESSION_AT_S,
    SLO_MS,
    START_S,
    WINDOW_S,
    Scene,
)
from controller.core.stats import beta_cdf
from controller.model.endpoint import Kind
from controller.sandbox.billing import bill_of
from controller.sandbox.inprocess_door import attach
from controller.sandbox.sagemaker.bills import endpoint_bill
from controller.sandbox.world import World

LEAST_REQUESTS = 20
"""A window with fewer is not judged: one slow request would be more than one in twenty."""
BY_CHANCE = 0.05
"""A window is surely broken where so many slow requests would come by chance less often than
this, if just one in twenty were slow."""
STEADY_WINDOWS = 6
"""So many good windows in a row are a recovery."""


@dataclass(frozen=True, slots=True)
class Series:
    """Namespace, dimensions and names of what CloudWatch says of one kind."""

    namespace: str
    dimensions: Mapping[str, str]
    latency: str
    threshold: str
    """Of the SLO, in the metric's own unit."""


def series_of(kind: Kind) -> Series:
    """Where the latency and requests of a kind's endpoint are found."""
    name, slo_ms = NAMES[kind], SLO_MS[kind]
    if kind is Kind.LAMBDA_FUNCTION:
        dimensions = {"FunctionName": name, "Resource": f"{name}:live"}
        return Series("AWS/Lambda", dimensions, "Duration", f"{slo_ms:g}")
    dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
    return Series("AWS/SageMaker", dimensions, "ModelLatency", f"{slo_ms * 1000:g}")


def client_of(world: World, service: str) -> Any:
    """A boto3 client of the world, in process."""
    session = BotocoreSession()
    session.set_credentials("AKIA123456789012TEST", "secret")
    attach(session, world)
    return session.create_client(service, region_name=REGION)


def points(
    cloudwatch: Any, series: Series, metric: str, stat: str, between_s: tuple[float, float]
) -> dict[float, float]:
    """One statistic by five-minute window."""
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions.items()]
    query = {
        "Id": "m",
        "MetricStat": {
            "Metric": {
                "Namespace": series.namespace,
                "MetricName": metric,
                "Dimensions": dimensions,
            },
            "Period": int(WINDOW_S),
            "Stat": stat,
        },
    }
    found: dict[float, float] = {}
    more: dict[str, str] = {}
    while True:
        page = cloudwatch.get_metric_data(
            MetricDataQueries=[query], StartTime=between_s[0], EndTime=between_s[1], **more
        )
        for result in page["MetricDataResults"]:
            pairs = zip(result["Timestamps"], result["Values"], strict=True)
            found.update({at.timestamp(): value for at, value in pairs})
        if not page.get("NextToken"):
            return found
        more = {"NextToken": page["NextToken"]}


def judged(world: World, scene: Scene, kind: Kind) -> dict[str, Any]:
    """Bill, share of requests and of windows within the SLO, time to recover."""
    cloudwatch, series = client_of(world, "cloudwatch"), series_of(kind)
    span = START_S, scene.end_s - 900.0
    counts = points(cloudwatch, series, "Invocations", "Sum", span)
    met = points(cloudwatch, series, series.latency, f"PR(:{series.threshold})", span)
    failed = points(cloudwatch, series, _refusals(kind), "Sum", span)
    requests, refused = sum(counts.values()), sum(failed.values())
    within = sum(count * met.get(at, 0.0) / 100.0 for at, count in counts.items())
    good = {
        at: met.get(at, 0.0) >= 100.0 * PERCENTILE
        for at, count in sorted(counts.items())
        if count >= LEAST_REQUESTS
    }
    sure = [
        at
        for at, fine in good.items()
        if not fine and surely_broken(counts[at], counts[at] * (1.0 - met.get(at, 0.0) / 100.0))
    ]
    return {
        "usd": round(_usd(world, scene, kind), 2),
        "requests": int(requests),
        "withinSlo": round(within / requests, 5) if requests else None,
        "windowsMet": round(sum(good.values()) / len(good), 5) if good else None,
        "surelyMet": round(1.0 - len(sure) / len(good), 5) if good else None,
        "windows": len(good),
        "surelyBrokenByDay": dict(Counter(f"{int((at - START_S) // DAY_S)}" for at in sure)),
        "refused": int(refused),
        "recoveredAfterMinutes": _recovered(good),
    }


def surely_broken(requests: float, slow: float) -> bool:
    """Whether chance is no excuse: of twenty requests two are slow in every fourth window of an
    endpoint that has one slow request in twenty, and in one of two hundred if it has one in a
    hundred."""
    count = round(slow)
    if count < 1:
        return False
    return beta_cdf(1.0 - PERCENTILE, count, round(requests) - count + 1.0) < BY_CHANCE


def _refusals(kind: Kind) -> str:
    return "Throttles" if kind is Kind.LAMBDA_FUNCTION else "Invocation4XXErrors"


def _usd(world: World, scene: Scene, kind: Kind) -> float:
    place, name = world.region(ACCOUNT, REGION), NAMES[kind]
    if kind is Kind.LAMBDA_FUNCTION:
        return bill_of(world, place, name, START_S, scene.end_s).usd or 0.0
    return endpoint_bill(world, place, name, START_S, scene.end_s).usd or 0.0


def _recovered(good: Mapping[float, bool]) -> float | None:
    """Minutes from the regression until the SLO is met for half an hour on end; None: never."""
    after: Sequence[tuple[float, bool]] = [
        (at, met) for at, met in good.items() if at >= REGRESSION_AT_S
    ]
    for i in range(len(after) - STEADY_WINDOWS + 1):
        if all(met for _, met in after[i : i + STEADY_WINDOWS]):
            return round((after[i][0] - REGRESSION_AT_S) / 60.0, 1)
    return None
