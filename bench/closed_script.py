"""The script that people write: once an hour, double what breaches, halve what is idle."""

from typing import Any

from bench.closed_judge import client_of, points, series_of
from bench.closed_scene import HAND_SET, MOST_INSTANCES, NAMES, PERCENTILE, SLO_MS, START_S
from controller.model.endpoint import Kind
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size
from controller.sandbox.world import World

HOUR_S = 3600.0
LATE_S = 300.0
"""CloudWatch's last minutes are not complete yet."""
IDLE = 0.5
"""Below this share of the SLO it halves."""


class ThresholdScript:
    """Looks at the p95 of the last hour, and acts at once."""

    def __init__(self, world: World) -> None:
        self._clients = {
            name: client_of(world, name) for name in ("cloudwatch", "lambda", "sagemaker")
        }
        self._sizes = dict(HAND_SET)
        self._made = 0
        self.changes: list[str] = []

    def look(self, now_s: float) -> None:
        """Judge every endpoint by its last hour."""
        for kind in NAMES:
            factor = self._factor(kind, now_s)
            before = self._sizes[kind]
            after = before if factor is None else resized(before, factor)
            if after != before and self._apply(kind, after):
                self._sizes[kind] = after
                day = (now_s - START_S) / 86_400.0
                self.changes.append(f"day {day:.2f} {NAMES[kind]}: {before} -> {after}")

    def _factor(self, kind: Kind, now_s: float) -> float | None:
        series = series_of(kind)
        span = now_s - LATE_S - HOUR_S, now_s - LATE_S
        stat = f"p{PERCENTILE * 100:g}"
        found = points(self._clients["cloudwatch"], series, series.latency, stat, span)
        if not found:
            return None
        unit = 1.0 if kind is Kind.LAMBDA_FUNCTION else 1000.0
        worst_ms = max(found.values()) / unit
        if worst_ms > SLO_MS[kind]:
            return 2.0
        return 0.5 if worst_ms < IDLE * SLO_MS[kind] else None

    def _apply(self, kind: Kind, size: Size) -> bool:
        """True if AWS took it; an endpoint that is being changed says no."""
        name, self._made = NAMES[kind], self._made + 1
        try:
            match size:
                case LambdaSize(memory_mb=memory_mb):
                    self._function(name, memory_mb)
                case ServerlessSize():
                    self._serverless(name, size)
                case RealtimeSize(min_instances=count):
                    desired = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
                    self._clients["sagemaker"].update_endpoint_weights_and_capacities(
                        EndpointName=name, DesiredWeightsAndCapacities=desired
                    )
        except self._clients["sagemaker"].exceptions.ClientError:
            return False
        return True

    def _function(self, name: str, memory_mb: int) -> None:
        functions = self._clients["lambda"]
        functions.update_function_configuration(FunctionName=name, MemorySize=memory_mb)
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)

    def _serverless(self, name: str, size: ServerlessSize) -> None:
        endpoints: Any = self._clients["sagemaker"]
        present = endpoints.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        config = endpoints.describe_endpoint_config(EndpointConfigName=present)
        variant = config["ProductionVariants"][0]
        variant["ServerlessConfig"] = {
            "MemorySizeInMB": size.memory_mb,
            "MaxConcurrency": size.max_concurrency,
        }
        made = f"{name}-script-{self._made}"
        endpoints.create_endpoint_config(EndpointConfigName=made, ProductionVariants=[variant])
        endpoints.update_endpoint(EndpointName=name, EndpointConfigName=made)


def resized(size: Size, factor: float) -> Size:
    """The size doubled or halved, within what the service takes."""
    match size:
        case LambdaSize(memory_mb=memory_mb):
            return LambdaSize(min(10_240, max(128, round(memory_mb * factor))))
        case ServerlessSize(memory_mb=memory_mb, max_concurrency=most):
            wanted = round(memory_mb * factor / 1024) * 1024
            return ServerlessSize(min(6144, max(1024, wanted)), most)
        case RealtimeSize(instance_type=name, min_instances=count):
            wanted = min(MOST_INSTANCES, max(1, round(count * factor)))
            return RealtimeSize(name, wanted, wanted)
