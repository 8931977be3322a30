"""InvokeEndpoint through real boto3, and what it leaves in the metrics."""

from datetime import UTC, datetime

import pytest

from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"


def _seed(world, *endpoints, **more):
    seed_world(world, {"account": ACCOUNT, "endpoints": list(endpoints), **more})


@pytest.fixture
def runtime(connect):
    return connect("sagemaker-runtime")


def _call(runtime, body=b"{}", name="e", **more):
    return runtime.invoke_endpoint(EndpointName=name, Body=body, **more)


def _calls(world, name="e"):
    return sagemaker_of(world, world.region(ACCOUNT, "eu-west-1")).calls[name]


@pytest.mark.parametrize("kind", ["text/csv", "application/x-www-form-urlencoded"])
def test_an_answer_names_its_variant(world, runtime, kind):
    """InvokeEndpoint takes a body of any content type; InvokedProductionVariant says who
    answered."""
    _seed(world, {"name": "e", "workload": {"machines": {"work_ms": 1}}})
    answer = _call(runtime, b"1,2,3", ContentType=kind, Accept="application/json")
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"
    assert answer["Body"].read()


def test_an_endpoint_that_is_not_there(world, runtime, refusal):
    """ValidationError (not ...Exception), 400, in the runtime's words."""
    code, message, status = refusal(lambda: _call(runtime))
    assert (code, status) == ("ValidationError", 400)
    assert f"Endpoint e of account {ACCOUNT} not found" in message


def test_a_model_that_fails_is_424(world, runtime, refusal):
    """ModelError carries the container's own status and message."""
    _seed(world, {"name": "e", "workload": {"error_rate": 1.0, "machines": {"work_ms": 1}}})
    code, message, status = refusal(lambda: _call(runtime))
    assert (code, status) == ("ModelError", 424)
    assert "server error (500)" in message


def test_a_body_has_a_limit(world, in_process, refusal):
    """6 MB to instances, 4 MB to serverless."""
    _seed(world, {"name": "e"}, {"name": "s", "memory_mb": 1024})
    runtime = in_process("sagemaker-runtime")
    assert _call(runtime, b"x" * 6_291_456)["Body"].read()
    assert refusal(lambda: _call(runtime, b"x" * 6_291_457))[0] == "ValidationError"
    assert refusal(lambda: _call(runtime, b"x" * 4_200_000, "s"))[0] == "ValidationError"


def test_target_variant_overrides_the_weights(world, in_process, refusal):
    """A variant with weight 0 can be probed by name."""
    _seed(world, {"name": "e", "variants": [{"variant": "A"}, {"variant": "B", "weight": 0}]})
    runtime = in_process("sagemaker-runtime")
    assert {_call(runtime)["InvokedProductionVariant"] for _ in range(20)} == {"A"}
    assert _call(runtime, TargetVariant="B")["InvokedProductionVariant"] == "B"
    assert refusal(lambda: _call(runtime, TargetVariant="C"))[0] == "ValidationError"


def test_weights_share_requests_out(world, in_process):
    """Three to one by weight."""
    _seed(world, {"name": "e", "variants": [{"variant": "A", "weight": 3}, {"variant": "B"}]})
    runtime = in_process("sagemaker-runtime")
    taken = [_call(runtime)["InvokedProductionVariant"] for _ in range(300)]
    assert 190 <= taken.count("A") <= 255


def test_a_multi_model_endpoint_loads_on_first_use(world, in_process, refusal):
    """TargetModel is required; the first request of a model waits for it, later ones do not;
    the least recently used one goes when memory is short."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.large", "workload": {
        "memory_mb": 500, "models": {"number": 20, "model_mb": 1000, "load_ms": 900}},
        "model": {"PrimaryContainer": {"Mode": "MultiModel"}}})  # fmt: skip
    runtime = in_process("sagemaker-runtime")
    assert refusal(lambda: _call(runtime))[0] == "ValidationError"
    for name in ("a", "a", "b", "c", "d", "a"):
        _call(runtime, TargetModel=f"{name}.tar.gz")
        world.advance(10)
    waits = [call.overhead_ms > 500 for call in _calls(world)]
    assert waits == [True, False, True, True, True, True]


def test_a_model_still_loading_is_429(world, in_process, refusal):
    """ModelNotReadyException while a large model of a multi-model endpoint loads."""
    _seed(world, {"name": "e", "workload": {"models": {"number": 5, "load_ms": 90_000}},
                  "model": {"PrimaryContainer": {"Mode": "MultiModel"}}})  # fmt: skip
    runtime = in_process("sagemaker-runtime")
    code, _, status = refusal(lambda: _call(runtime, TargetModel="a.tar.gz"))
    assert (code, status) == ("ModelNotReadyException", 429)
    world.advance(91)
    assert _call(runtime, TargetModel="a.tar.gz")["Body"].read()


def test_a_serverless_cold_start_is_overhead(world, in_process):
    """OverheadLatency includes a cold start, ModelSetupTime measures it, ModelLatency has no
    part in it; after idle there is another one."""
    _seed(world, {"name": "e", "memory_mb": 2048, "workload": {"init_ms": 5000, "init_cv": 0}})
    runtime = in_process("sagemaker-runtime")
    for wait_s in (30, 3600, 0):
        _call(runtime)
        world.advance(wait_s)
    first, second, third = _calls(world)
    assert first.setup_ms == pytest.approx(5000)
    assert first.overhead_ms > 5000 > first.model_ms
    assert second.setup_ms is None
    assert third.setup_ms is not None


def test_provisioned_concurrency_is_warm(world, in_process):
    """ProvisionedConcurrency keeps environments warm."""
    _seed(world, {"name": "e", "memory_mb": 2048, "provisioned_concurrency": 2})
    _call(in_process("sagemaker-runtime"))
    assert _calls(world)[0].setup_ms is None


def test_beyond_max_concurrency_requests_are_throttled(world, in_process, refusal):
    """Over MaxConcurrency: a 4XX, which counts in Invocation4XXErrors."""
    _seed(world, {"name": "e", "memory_mb": 1024, "max_concurrency": 1})
    runtime = in_process("sagemaker-runtime")
    _call(runtime)
    world.advance(0.001)
    code, _, status = refusal(lambda: _call(runtime))
    assert (code, status) == ("ThrottlingException", 429)
    world.advance(300)
    assert _read(in_process, "Invocation4XXErrors") == 1
    assert _read(in_process, "Invocations") == 2


def test_probes_are_counted_once_and_share_the_queue(world, in_process):
    """Probes add to Invocations, and slow down the endpoint that they are sent to."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.large", "workload": {
        "machines": {"table": {"ml.c5.large": {"service_ms": 100, "servers": 1}}},
        "traffic": {"rps": 5}}})  # fmt: skip
    world.advance(60 - world.now_s() % 60 + 0.5)
    runtime = in_process("sagemaker-runtime")
    for _ in range(240):
        _call(runtime)
        world.advance(0.24)
    world.advance(300)
    before = _read(in_process, "ModelLatency", "p50", -60)
    during = _read(in_process, "ModelLatency", "p50", 60)
    assert _read(in_process, "Invocations", from_s=60) == pytest.approx(300 + 240, abs=60)
    assert during > 1.5 * before


def test_a_probe_of_an_overloaded_endpoint_waits(world, in_process):
    """A real-time endpoint is a queue: beyond its capacity requests wait, and some are refused."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.large", "workload": {
        "machines": {"table": {"ml.c5.large": {"service_ms": 100, "servers": 1}}},
        "traffic": {"rps": 12}}})  # fmt: skip
    world.advance(1800)
    runtime = in_process("sagemaker-runtime")
    codes = set()
    for _ in range(40):
        try:
            _call(runtime)
        except runtime.exceptions.ModelError as error:
            codes.add(error.response["OriginalStatusCode"])
    assert codes == {503}
    assert min(call.model_ms for call in _calls(world)) > 25_000
    assert sum(call.error is not None for call in _calls(world)) < 15


def _read(in_process, metric, stat="Sum", from_s=0):
    """A statistic of the minute that begins `from_s` after the world did."""
    begin_s = 1_800_000_000 + from_s
    metric = {
        "Namespace": "AWS/SageMaker",
        "MetricName": metric,
        "Dimensions": [
            {"Name": "EndpointName", "Value": "e"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
    }
    answer = in_process("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}}
        ],
        StartTime=datetime.fromtimestamp(begin_s, UTC),
        EndTime=datetime.fromtimestamp(begin_s + 60, UTC),
    )
    (value,) = answer["MetricDataResults"][0]["Values"]
    return value
