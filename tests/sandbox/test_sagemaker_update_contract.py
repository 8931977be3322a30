"""UpdateEndpoint through real boto3: refusals, silent rollback, what is retained, guardrails."""

import pytest

from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker.bills import endpoint_bill
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world

ACCOUNT = "111122223333"


def _seed(world, *endpoints, **more):
    seed_world(world, {"account": ACCOUNT, "endpoints": list(endpoints), **more})


@pytest.fixture
def sm(connect):
    return connect("sagemaker")


@pytest.fixture
def near(in_process):
    return in_process("sagemaker")


def _config(sm, name="next", *, model="e-model", variants=("AllTraffic",), **members):
    given = {"InstanceType": "ml.c5.xlarge", "InitialInstanceCount": 1, **members}
    sm.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": variant, "ModelName": model,
             **{k: v for k, v in given.items() if v is not None}}
            for variant in variants
        ],
    )  # fmt: skip


def _update(sm, name="next", **more):
    return sm.update_endpoint(EndpointName="e", EndpointConfigName=name, **more)


def _shown(sm):
    return sm.describe_endpoint(EndpointName="e")


def _variant(sm):
    return _shown(sm)["ProductionVariants"][0]


def _until_settled(world, sm, most_s=20_000):
    for _ in range(0, most_s, 60):
        world.advance(60)
        if _shown(sm)["EndpointStatus"] == "InService":
            return _shown(sm)
    raise AssertionError(_shown(sm)["EndpointStatus"])


def _fleets(world, name="e"):
    place = sagemaker_of(world, world.region(ACCOUNT, "eu-west-1"))
    return {f.config_name: f for f in place.histories[name].at(world.now_s()).fleets}


def test_an_update_shows_the_old_name_until_it_is_done(world, sm):
    """Updating for minutes under the old configuration's name; the new one is pending."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.large"})
    _config(sm)
    _update(sm)
    shown = _shown(sm)
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("Updating", "e-config")
    pending = shown["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "next"
    assert pending["ProductionVariants"][0]["InstanceType"] == "ml.c5.xlarge"
    shown = _until_settled(world, sm)
    assert shown["EndpointConfigName"] == "next"
    assert "FailureReason" not in shown


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"outcome": "Failed", "reason": "Request to service failed."}, "Request to service"),
        ({"outcome": "InsufficientCapacity"}, "InsufficientInstanceCapacity"),
    ],
)
def test_in_service_is_not_success(world, sm, fault, said):
    """A failed update rolls back silently: InService, the OLD name, and a FailureReason."""
    _seed(world, {"name": "e"}, endpoint_update_faults=[{"endpoint": "e", **fault}])
    _config(sm)
    _update(sm)
    seen = set()
    for _ in range(20):
        world.advance(60)
        seen.add(_shown(sm)["EndpointStatus"])
    assert {"Updating", "RollingBack", "InService"} <= seen
    shown = _shown(sm)
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "e-config")
    assert said in shown["FailureReason"]


def test_a_model_too_large_for_its_machine_rolls_back(world, near):
    """The container must pass its health check on the new type, or the update fails."""
    _seed(world, {"name": "e", "instance_type": "ml.m5.2xlarge",
                  "workload": {"memory_mb": 9000}})  # fmt: skip
    _config(near, InstanceType="ml.c5.large")
    _update(near)
    shown = _until_settled(world, near)
    assert shown["EndpointConfigName"] == "e-config"
    assert "ping health check" in shown["FailureReason"]


def test_an_update_can_hang_and_a_rollback_fail(world, near):
    """UpdateRollbackFailed is a status of its own, in which nothing but deletion helps."""
    _seed(world, {"name": "e"}, endpoint_update_faults=[
        {"endpoint": "e", "outcome": "Hang", "hang_s": 7200},
        {"endpoint": "e", "outcome": "RollbackFailed"}])  # fmt: skip
    _config(near)
    _update(near)
    world.advance(3600)
    assert _shown(near)["EndpointStatus"] == "Updating"
    _until_settled(world, near)
    _config(near, "third")
    _update(near, "third")
    world.advance(3600)
    assert _shown(near)["EndpointStatus"] == "UpdateRollbackFailed"
    near.delete_endpoint(EndpointName="e")


def test_no_update_while_one_is_under_way(world, sm, refusal):
    """UpdateEndpoint, deletion and rescaling are refused while not InService."""
    _seed(world, {"name": "e"})
    _config(sm)
    _config(sm, "third")
    _update(sm)
    code, message, _ = refusal(lambda: _update(sm, "third"))
    assert code == "ValidationException"
    assert "in-progress" in message
    assert refusal(lambda: sm.delete_endpoint(EndpointName="e"))[0] == "ValidationException"


def test_maintenance_refuses_all(world, near, refusal):
    """SystemUpdating cannot be updated, deleted or rescaled."""
    actor = {"actor": "endpoint_maintenance", "at_in_s": 1, "endpoint": "e", "seconds": 600}
    _seed(world, {"name": "e"}, actors=[actor])
    _config(near)
    world.advance(2)
    assert _shown(near)["EndpointStatus"] == "SystemUpdating"
    assert refusal(lambda: _update(near))[0] == "ValidationException"
    world.advance(700)
    assert _update(near)["EndpointArn"]


def test_the_same_configuration_is_refused(world, near, refusal):
    """EndpointConfigName must be another one than the endpoint has."""
    _seed(world, {"name": "e"})
    assert refusal(lambda: _update(near, "e-config"))[0] == "ValidationException"


def test_from_instances_to_serverless_is_impossible(world, sm, refusal):
    """Real-time to serverless in place: ValidationException."""
    _seed(world, {"name": "e"})
    _config(sm, InstanceType=None, InitialInstanceCount=None,
            ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 5})  # fmt: skip
    assert refusal(lambda: _update(sm))[0] == "ValidationException"


def test_from_serverless_to_instances_is_one_way(world, near, refusal):
    """Serverless to real-time works; back does not."""
    _seed(world, {"name": "e", "memory_mb": 1024})
    _config(near)
    _update(near)
    assert _until_settled(world, near)["EndpointConfigName"] == "next"
    assert _variant(near)["CurrentInstanceCount"] == 1
    assert refusal(lambda: _update(near, "e-config"))[0] == "ValidationException"


def test_async_inference_stays(world, near, refusal):
    """AsyncInferenceConfig cannot be removed from an endpoint."""
    _seed(world, {"name": "e", "config": {"AsyncInferenceConfig": {
        "OutputConfig": {"S3OutputPath": "s3://b"}}}})  # fmt: skip
    _config(near)
    assert refusal(lambda: _update(near))[0] == "ValidationException"


class _Targets:
    """Application Auto Scaling with one variant registered."""

    def __init__(self, variant="AllTraffic"):
        self.variant = variant

    def registered_targets(self, account, region, endpoint, variant):
        mine = (endpoint, variant) == ("e", self.variant)
        return ["sagemaker:variant:DesiredInstanceCount"] if mine else []

    def deregister(self, account, region, endpoint, variant):
        self.variant = None


@pytest.mark.parametrize(
    ("members", "variants", "fails"),
    [
        ({"InstanceType": "ml.c5.xlarge"}, ("AllTraffic",), True),
        ({"InstanceType": "ml.c5.large"}, ("Other",), True),
        ({"InstanceType": "ml.c5.large"}, ("AllTraffic",), False),
    ],
)
def test_a_registered_variant_keeps_its_type(world, near, refusal, members, variants, fails):
    """A type change or removal of a variant registered for autoscaling fails until it is
    deregistered; another model under the same type is exempt."""
    _seed(world, {"name": "e", "instance_type": "ml.c5.large"})
    targets = state_of(world, Neighbours).autoscaling = _Targets()
    _config(near, variants=variants, **members)
    if fails:
        code, message, _ = refusal(lambda: _update(near))
        assert code == "ValidationException"
        assert "scalable target" in message
        targets.variant = None
    _update(near)
    assert _until_settled(world, near)["EndpointConfigName"] == "next"


@pytest.mark.parametrize(
    ("more", "count", "weight"),
    [
        ({}, 1, 1.0),
        ({"RetainAllVariantProperties": True}, 4, 2.0),
        ({"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": [
            {"VariantPropertyType": "DesiredInstanceCount"}]}, 1, 2.0),
        ({"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": [
            {"VariantPropertyType": "DesiredWeight"}]}, 4, 1.0),
    ],
)  # fmt: skip
def test_live_counts_are_lost_unless_retained(world, near, more, count, weight):
    """Without RetainAllVariantProperties an update resets instance count and weight to the
    configuration's Initial values; Exclude... takes single properties out of that."""
    _seed(world, {"name": "e"})
    near.update_endpoint_weights_and_capacities(
        EndpointName="e",
        DesiredWeightsAndCapacities=[
            {"VariantName": "AllTraffic", "DesiredInstanceCount": 4, "DesiredWeight": 2.0}
        ],
    )
    _until_settled(world, near)
    _config(near)
    _update(near, **more)
    _until_settled(world, near)
    shown = _variant(near)
    assert (shown["CurrentInstanceCount"], shown["CurrentWeight"]) == (count, weight)


# --- deployment guardrails


def _blue_green(kind="ALL_AT_ONCE", termination_s=0, alarms=(), **routing):
    policy = {
        "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": 300, **routing},
        "TerminationWaitInSeconds": termination_s,
    }
    if alarms:
        listed = [{"AlarmName": name} for name in alarms]
        return {"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": {"Alarms": listed}}
    return {"BlueGreenUpdatePolicy": policy}


def _percent(value):
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def _shares(world, seconds=3600):
    """Shares of the traffic that the new fleet had, in the order that they came."""
    seen = []
    for _ in range(0, seconds, 30):
        world.advance(30)
        new = _fleets(world).get("next")
        share = None if new is None else round(new.share, 2)
        if not seen or seen[-1] != share:
            seen.append(share)
    return seen


def test_a_canary_takes_a_part_and_then_all(world, near):
    """CANARY: a part of the traffic for the waiting time, then the rest."""
    _seed(world, {"name": "e", "instance_count": 4})
    _config(near, InitialInstanceCount=4)
    _update(near, DeploymentConfig=_blue_green("CANARY", CanarySize=_percent(25)))
    assert _shares(world) == [0.0, 0.25, 1.0]
    assert "BlueGreenUpdatePolicy" in _shown(near)["LastDeploymentConfig"]


def test_linear_takes_equal_steps(world, near):
    """LINEAR: equal steps with a wait after each."""
    _seed(world, {"name": "e", "instance_count": 3})
    _config(near, InitialInstanceCount=3)
    _update(near, DeploymentConfig=_blue_green("LINEAR", LinearStepSize=_percent(33)))
    assert _shares(world, 5400) == [0.0, 0.33, 0.67, 1.0]


def test_rolling_replaces_batches(world, near):
    """Rolling: batch by batch; never two whole fleets."""
    _seed(world, {"name": "e", "instance_count": 4})
    _config(near, InitialInstanceCount=4)
    _update(near, DeploymentConfig={"RollingUpdatePolicy": {
        "MaximumBatchSize": _percent(50), "WaitIntervalInSeconds": 300}})  # fmt: skip
    most = 0
    for _ in range(120):
        world.advance(30)
        most = max(most, sum(fleet.billed for fleet in _fleets(world).values()))
    assert most == 6
    assert _shown(near)["EndpointConfigName"] == "next"


def test_both_fleets_are_paid_for_while_it_bakes(world, near):
    """Multi-step or baking deployments bill both fleets; all at once without baking bills one."""
    region = world.region(ACCOUNT, "eu-west-1")

    def hours(name, **more):
        begin = world.now_s()
        _config(near, name)
        _update(near, name, **more)
        _until_settled(world, near)
        world.advance_to(begin + 7200)
        found = endpoint_bill(world, region, "e", begin, begin + 7200).instance_hours
        return sum(found.values())

    _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge"})
    assert hours("plain") == pytest.approx(2.0)
    baked = hours("baked", DeploymentConfig=_blue_green(termination_s=1800))
    assert baked > 2.0 + 0.5


def test_an_alarm_rolls_back(world, near):
    """An alarm that goes off while baking: RollingBack, then InService under the old name."""
    states = {}

    class Alarms:
        def alarm_state(self, account, region, name):
            return states.get(name, "OK")

    state_of(world, Neighbours).alarms = Alarms()
    _seed(world, {"name": "e"})
    _config(near)
    _update(near, DeploymentConfig=_blue_green(termination_s=1800, alarms=["slow"]))
    world.advance(900)
    assert round(_fleets(world)["next"].share) == 1
    states["slow"] = "ALARM"
    world.advance(61)
    shown = _shown(near)
    assert shown["EndpointStatus"] == "RollingBack"
    assert _fleets(world)["e-config"].share == 1.0
    shown = _until_settled(world, near)
    assert shown["EndpointConfigName"] == "e-config"
    assert "slow" in shown["FailureReason"]


@pytest.mark.parametrize(
    "config",
    [
        _blue_green("CANARY", CanarySize=_percent(51)),
        _blue_green("LINEAR", LinearStepSize=_percent(9)),
        _blue_green("CANARY"),
        {"RollingUpdatePolicy": {"MaximumBatchSize": _percent(51), "WaitIntervalInSeconds": 0}},
        {**_blue_green(termination_s=1200), "BlueGreenUpdatePolicy": {
            **_blue_green(termination_s=1200)["BlueGreenUpdatePolicy"],
            "MaximumExecutionTimeoutInSeconds": 600}},
    ],
)  # fmt: skip
def test_what_a_deployment_may_not_say(world, near, refusal, config):
    """Canary at most 50 %, linear steps and batches in their bounds, a timeout beyond the sum
    of the waits."""
    _seed(world, {"name": "e", "instance_count": 10})
    _config(near, InitialInstanceCount=10)
    assert refusal(lambda: _update(near, DeploymentConfig=config))[0] == "ValidationException"


def test_guardrails_are_not_for_serverless(world, near, refusal):
    """Deployment guardrails apply to real-time and async endpoints only."""
    _seed(world, {"name": "e", "memory_mb": 1024})
    _config(near, InstanceType=None, InitialInstanceCount=None,
            ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5})  # fmt: skip
    code, _, _ = refusal(lambda: _update(near, DeploymentConfig=_blue_green()))
    assert code == "ValidationException"
    _update(near)
    assert _until_settled(world, near)["EndpointConfigName"] == "next"


def test_inferentia_falls_back_to_all_at_once(world, near):
    """Inf1 is excluded from guardrails: all at once, without baking."""
    _seed(world, {"name": "e", "workload": {"machines": {"table": {
        "ml.c5.large": {"service_ms": 10, "servers": 2},
        "ml.inf1.xlarge": {"service_ms": 5, "servers": 4}}}}})  # fmt: skip
    _config(near, InstanceType="ml.inf1.xlarge")
    _update(near, DeploymentConfig=_blue_green(termination_s=3600))
    world.advance(900)
    assert _shown(near)["EndpointStatus"] == "InService"


def test_the_last_guardrails_are_not_reused_unless_asked(world, near):
    """RetainDeploymentConfig is false by default: the next update goes all at once."""
    _seed(world, {"name": "e"})
    for name in ("next", "third", "fourth"):
        _config(near, name)
    _update(near, DeploymentConfig=_blue_green(termination_s=1800))
    _until_settled(world, near)
    _update(near, "third")
    world.advance(600)
    assert _shown(near)["EndpointStatus"] == "InService"
    _update(near, "fourth", RetainDeploymentConfig=True)
    world.advance(1200)
    assert _shown(near)["EndpointStatus"] == "Updating"
