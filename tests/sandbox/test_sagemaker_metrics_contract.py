"""Endpoints' metrics through real boto3: units, dimensions, what is emitted and what is not."""

from datetime import UTC, datetime

import numpy as np
import pytest

from controller.sandbox.sagemaker.truth import endpoint_truth
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT = "111122223333"
START_S = 1_800_000_000
REQUESTS, MACHINES = "AWS/SageMaker", "/aws/sagemaker/Endpoints"


def _seed(world, *endpoints, **more):
    seed_world(world, {"account": ACCOUNT, "endpoints": list(endpoints), **more})


def _workload(rps=20.0, service_ms=50.0, servers=4, **more):
    kinds = ("ml.c5.xlarge", "ml.c5.2xlarge", "ml.m5.xlarge")
    table = {kind: {"service_ms": service_ms, "servers": servers} for kind in kinds}
    return {"machines": {"table": table}, "traffic": {"rps": rps}, "cv": 0.3, **more}


@pytest.fixture
def read(world, in_process):
    """Reads points of one metric, oldest first, as {seconds after the start: value}."""
    client = in_process("cloudwatch")

    def points(metric, stat="Sum", *, name="e", variant="AllTraffic", config=None,
               namespace=REQUESTS, period_s=60, from_s=-3600, to_s=0, unit=None):  # fmt: skip
        dimensions = {"EndpointName": name, "VariantName": variant}
        if config is not None:
            dimensions["EndpointConfigName"] = config
        given = {
            "Metric": {
                "Namespace": namespace,
                "MetricName": metric,
                "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
            },
            "Period": period_s,
            "Stat": stat,
        }
        if unit is not None:
            given["Unit"] = unit
        (result,) = client.get_metric_data(
            MetricDataQueries=[{"Id": "a", "MetricStat": given}],
            StartTime=datetime.fromtimestamp(START_S + from_s, UTC),
            EndTime=datetime.fromtimestamp(START_S + to_s, UTC),
            ScanBy="TimestampAscending",
        )["MetricDataResults"]
        assert result["StatusCode"] == "Complete"
        return {
            int(at.timestamp()) - START_S: value
            for at, value in zip(result["Timestamps"], result["Values"], strict=True)
        }

    return points


def test_latency_is_in_microseconds(world, read):
    """ModelLatency and OverheadLatency are microseconds; another Unit reads nothing."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge", "workload": _workload(1.0)})
    world.advance(600)
    (value,) = read("ModelLatency", "Average", period_s=3600).values()
    assert value == pytest.approx(50_000, rel=0.03)
    assert read("ModelLatency", "Average", unit="Microseconds")
    assert read("ModelLatency", "Average", unit="Milliseconds") == {}
    (value,) = read("OverheadLatency", "Average", period_s=3600).values()
    assert 1_000 < value < 20_000


def test_an_idle_variant_emits_zeros(world, read):
    """SageMaker emits zeros when traffic is zero, so that variants scale in to their minimum;
    nothing is known of the latency of no request."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge"})
    world.advance(600)
    assert list(read("Invocations").values()) == [0.0] * 60
    assert list(read("InvocationsPerInstance").values()) == [0.0] * 60
    assert read("ModelLatency", "p95") == {}


def test_an_idle_serverless_variant_emits_nothing(world, read):
    """A serverless endpoint's metrics are sparse: missing is not zero."""
    _seed(world, {"name": "e", "memory_mb": 1024})
    world.advance(600)
    assert read("Invocations") == {}
    assert read("MemoryUtilization", "Maximum", namespace=MACHINES) == {}


def test_each_request_adds_its_part_to_invocations_per_instance(world, read):
    """InvocationsPerInstance: each request adds 1/instances."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge", "instance_count": 4,
                  "workload": _workload()})  # fmt: skip
    world.advance(600)
    calls, each = read("Invocations"), read("InvocationsPerInstance")
    assert each == {at: pytest.approx(value / 4) for at, value in calls.items()}


def test_the_history_of_counts_shows(world, read):
    """Metrics of the past are those of the machines that there were then."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge", "instance_count": 2,
                  "history": [[10, {"instance_count": 8}]], "unchanged_days": 5,
                  "workload": _workload(80.0)})  # fmt: skip
    world.advance(600)
    days = read("InvocationsPerInstance", period_s=3600, from_s=-10 * 86_400)
    before = [value for at, value in days.items() if at < -5.1 * 86_400]
    after = [value for at, value in days.items() if at > -5 * 86_400]
    assert np.mean(after) == pytest.approx(4 * np.mean(before), rel=0.02)


def test_cpu_goes_to_a_hundred_for_each_core(world, read):
    """CPUUtilization is 0-100 times the cores: 4 on ml.c5.xlarge."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge", "workload": _workload(60.0)})
    world.advance(600)
    (value,) = read("CPUUtilization", "Average", namespace=MACHINES, period_s=3600).values()
    assert value == pytest.approx(400 * 60 / 80, rel=0.05)
    assert read("GPUUtilization", "Average", namespace=MACHINES) == {}
    assert read("CPUUtilization", "Average") == {}


def test_a_serverless_machine_has_only_memory(world, read):
    """Serverless: MemoryUtilization only, in percent of the size."""
    _seed(world, {"name": "e", "memory_mb": 2048,
                  "workload": {"memory_mb": 1024, "traffic": {"rps": 5}}})  # fmt: skip
    world.advance(600)
    (value,) = read("MemoryUtilization", "Maximum", namespace=MACHINES, period_s=3600).values()
    assert value == pytest.approx(49, abs=3)
    assert read("CPUUtilization", "Average", namespace=MACHINES) == {}
    assert read("InvocationsPerInstance") == {}


def test_percentiles_are_right_when_the_period_widens(world, read):
    """PR(:x) of an hour is the mean of the minutes' by requests; p95 of an hour is not the mean
    of the minutes' p95."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge",
                  "workload": _workload(55.0, slow_share=0.03)})  # fmt: skip
    world.advance(600)
    counts = read("ModelLatency", "SampleCount")
    minutes = read("ModelLatency", "PR(:80000)")
    expected = sum(counts[at] * minutes[at] for at in counts) / sum(counts.values())
    (hour,) = read("ModelLatency", "PR(:80000)", period_s=3600).values()
    assert hour == pytest.approx(expected, rel=1e-6)
    tails = read("ModelLatency", "p95")
    (hour,) = read("ModelLatency", "p95", period_s=3600).values()
    assert min(tails.values()) < hour < max(tails.values())
    assert counts == read("Invocations")


@pytest.mark.parametrize("rps", [4.0, 40.0, 65.0, 74.0])
def test_what_is_measured_is_the_truth(world, read, rps):
    """The hour's p95 is the queue's at that load."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge",
                  "workload": _workload(rps, slow_share=0.02)})  # fmt: skip
    world.advance(600)
    region = world.region(ACCOUNT, "eu-west-1")
    truth = endpoint_truth(world, region, "e", instance_type="ml.c5.xlarge", threshold_ms=90)
    (p95,) = read("ModelLatency", "p95", period_s=3600).values()
    (met,) = read("ModelLatency", "PR(:90000)", period_s=3600).values()
    # Close to saturation a minute's chance load bends the hour upward.
    assert p95 / 1000.0 == pytest.approx(truth.p95_ms, rel=0.05 if rps < 70 else 0.25)
    assert met / 100.0 == pytest.approx(truth.met_ratio, abs=0.01 if rps < 70 else 0.05)


def test_beyond_its_capacity_an_endpoint_turns_requests_away(world, read):
    """What finds the queue full is an error of the model (5XX); the rest waits long."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge", "workload": _workload(100.0)})
    world.advance(600)
    calls = sum(read("Invocations").values())
    errors = sum(read("Invocation5XXErrors").values())
    assert errors / calls == pytest.approx(0.2, abs=0.03)
    (median,) = read("ModelLatency", "p50", period_s=3600).values()
    assert median == pytest.approx(30_000_000, rel=0.05)
    assert sum(read("InvocationModelErrors").values()) == errors


def test_a_deployment_has_a_dimension_of_its_own(world, read, in_process):
    """While a deployment is under way both fleets publish under EndpointConfigName as well,
    and together under the plain dimensions; afterwards only under those."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge", "instance_count": 4,
                  "workload": _workload()})  # fmt: skip
    sm = in_process("sagemaker")
    variant = {"VariantName": "AllTraffic", "ModelName": "e-model",
               "InstanceType": "ml.c5.2xlarge", "InitialInstanceCount": 4}  # fmt: skip
    sm.create_endpoint_config(EndpointConfigName="next", ProductionVariants=[variant])
    sm.update_endpoint(
        EndpointName="e",
        EndpointConfigName="next",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                    "WaitIntervalInSeconds": 900,
                }
            }
        },
    )
    world.advance(3600)
    both = {"from_s": 0, "to_s": 3600}
    total = read("Invocations", **both)
    old = read("Invocations", config="e-config", **both)
    new = read("Invocations", config="next", **both)
    canary = [at for at in new if 600 <= at < 1200]
    assert all(total[at] == old[at] + new[at] for at in canary)
    share = sum(new[at] for at in canary) / sum(total[at] for at in canary)
    assert share == pytest.approx(0.25, abs=0.03)
    assert max(total) > max(new)
    listed = in_process("cloudwatch").list_metrics(
        Dimensions=[{"Name": "EndpointConfigName", "Value": "next"}]
    )["Metrics"]
    assert {one["MetricName"] for one in listed} >= {"Invocations", "ModelLatency"}


def test_a_shadow_gets_copies(world, read):
    """A shadow variant answers copies of the requests, beside the production variant."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge",
                  "shadow": {"instance_type": "ml.m5.xlarge", "weight": 0.5},
                  "workload": _workload()})  # fmt: skip
    world.advance(600)
    calls = sum(read("Invocations").values())
    copies = sum(read("Invocations", variant="Shadow").values())
    assert calls == pytest.approx(72_000, rel=0.02)
    assert copies / calls == pytest.approx(0.5, abs=0.02)


def test_callers_can_name_a_variant_without_weight(world, read):
    """TargetVariant overrides the weights, for the workload's callers as well."""
    streams = [{"traffic": {"rps": 3}}, {"qualifier": "B", "traffic": {"rps": 1}}]
    _seed(world, {"name": "e", "variants": [{"variant": "A"}, {"variant": "B", "weight": 0}],
                  "workload": {"streams": streams}})  # fmt: skip
    world.advance(600)
    assert sum(read("Invocations", variant="A").values()) == pytest.approx(10_800, rel=0.05)
    assert sum(read("Invocations", variant="B").values()) == pytest.approx(3_600, rel=0.07)


def test_serverless_throttles_are_4xx(world, read):
    """Over MaxConcurrency requests are refused and count as 4XX; utilisation is at 1."""
    _seed(world, {"name": "e", "memory_mb": 1024, "max_concurrency": 2, "workload": {
        "curve": {"a_ms": 200, "b": 0}, "traffic": {"rps": 15}}})  # fmt: skip
    world.advance(600)
    calls = sum(read("Invocations").values())
    # Erlang's loss formula for three erlangs on two servers.
    refused = 4.5 / (1 + 3 + 4.5)
    assert sum(read("Invocation4XXErrors").values()) / calls == pytest.approx(refused, abs=0.02)
    found = read("ServerlessConcurrentExecutionsUtilization", "Maximum", period_s=3600)
    assert list(found.values()) == [1.0]
    assert sum(read("ModelLatency", "SampleCount").values()) < calls


def test_rare_requests_start_cold(world, read):
    """ModelSetupTime counts cold starts, and OverheadLatency has them in it."""
    _seed(world, {"name": "e", "memory_mb": 2048, "workload": {
        "init_ms": 8000, "keep_alive_s": 300, "traffic": {"rps": 1 / 900}}})  # fmt: skip
    world.advance(600)
    day = {"period_s": 3600, "from_s": -86_400}
    starts = sum(read("ModelSetupTime", "SampleCount", **day).values())
    calls = sum(read("Invocations", **day).values())
    assert 0.5 < starts / calls < 0.95
    assert max(read("OverheadLatency", "Maximum", **day).values()) > 6_000_000
    assert max(read("ModelLatency", "Maximum", **day).values()) < 1_000_000


def test_provisioned_concurrency_has_metrics_of_its_own(world, read):
    """Utilisation is 0-1 and there without a request, which is what it is scaled by."""
    _seed(world, {"name": "e", "memory_mb": 2048, "provisioned_concurrency": 4,
                  "max_concurrency": 10, "workload": {"traffic": {"rps": 20}}})  # fmt: skip
    world.advance(600)
    used = read("ServerlessProvisionedConcurrencyUtilization", "Maximum")
    assert len(used) == 60
    assert 0 < max(used.values()) <= 1
    assert sum(read("ServerlessProvisionedConcurrencyInvocations").values()) > 0
    assert read("ModelSetupTime", "SampleCount") == {}


def test_models_that_do_not_fit_miss_the_cache(world, read):
    """Multi-model: ModelCacheHit averages to the hit ratio, LoadedModelCount says how many."""
    models = {"number": 100, "model_mb": 400, "zipf": 0.8, "load_ms": 700}
    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge",
                  "model": {"PrimaryContainer": {"Mode": "MultiModel"}},
                  "workload": _workload(models=models)})  # fmt: skip
    world.advance(600)
    (hit,) = read("ModelCacheHit", "Average", period_s=3600).values()
    assert 0.2 < hit < 0.8
    (held,) = read("LoadedModelCount", "Average", namespace=MACHINES, period_s=3600).values()
    assert 10 < held < 20
    (wait,) = read("ModelLoadingWaitTime", "Average", period_s=3600).values()
    assert wait == pytest.approx(700_000, rel=0.1)


def test_faults_of_metrics_reach_endpoints(world, in_process):
    """A result's StatusCode must be read: Forbidden and empty is not zero."""
    _seed(world, {"name": "e"}, {"name": "f"},
          metric_faults=[{"kind": "denied", "endpoint": "e"}])  # fmt: skip
    world.advance(600)
    queries = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": REQUESTS,
                    "MetricName": "Invocations",
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": name},
                        {"Name": "VariantName", "Value": "AllTraffic"},
                    ],
                },
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for name in "ef"
    ]
    found = in_process("cloudwatch").get_metric_data(
        MetricDataQueries=queries,
        StartTime=datetime.fromtimestamp(START_S - 600, UTC),
        EndTime=datetime.fromtimestamp(START_S, UTC),
    )["MetricDataResults"]
    assert [(one["StatusCode"], len(one["Values"])) for one in found] == [
        ("Forbidden", 0),
        ("Complete", 10),
    ]


def test_reading_changes_nothing(in_process):
    """The same world gives the same points, read in pieces, late, or all at once."""
    document = {
        "name": "e",
        "instance_type": "ml.c5.xlarge",
        "workload": _workload(78.0, error_rate=0.01),
    }
    serverless = {"name": "s", "memory_mb": 1024, "max_concurrency": 3, "workload": {
        "traffic": {"rps": 8, "bursts": {"per_day": 20, "factor": 5}}}}  # fmt: skip
    seen = []
    for steps in ([7200], [60] * 120, [420, 3000, 10, 50, 3720]):
        world = World(seed=3)
        _seed(world, document, serverless)
        for step in steps:
            world.advance(step)
            _everything(world)
        seen.append(_everything(world))
    assert seen[0] == seen[1] == seen[2]


def _everything(world):
    from controller.sandbox.metric_points import Span, Subject
    from controller.sandbox.sagemaker.metrics import endpoint_metrics
    from controller.sandbox.statistic import parse_statistic

    wanted = [(metric, parse_statistic(stat)) for metric, stat in (
        ("ModelLatency", "p95"), ("Invocations", "Sum"), ("Invocation5XXErrors", "Sum"),
        ("OverheadLatency", "p99"), ("Invocation4XXErrors", "Sum"), ("ModelSetupTime", "Sum"),
        ("CPUUtilization", "Average"), ("ConcurrentRequestsPerModel", "Maximum"),
    )]  # fmt: skip
    found = {}
    for name in "es":
        dimensions = (("EndpointName", name), ("VariantName", "AllTraffic"))
        subject = Subject(ACCOUNT, "eu-west-1", dimensions)
        span = Span(60, START_S, START_S + 7200)
        found[name] = endpoint_metrics(world).read(subject, wanted, span, world.now_s())
    return found
