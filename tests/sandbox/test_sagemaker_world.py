"""The world's own side of endpoints: truth, bills, foreign hands; and their prices."""

import json

import pytest

from controller.sandbox.sagemaker.bills import endpoint_bill
from controller.sandbox.sagemaker.catalogue import instance_types
from controller.sandbox.sagemaker.seeding import disturb_endpoint
from controller.sandbox.sagemaker.truth import capacity_rps, endpoint_truth
from controller.sandbox.sagemaker_scaling import (
    is_scalable,
    set_desired_instance_count,
    set_desired_provisioned_concurrency,
)
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world
from controller.sandbox.wire.contract import AwsError

ACCOUNT = "111122223333"
DAY_S = 86_400.0


def _seed(world, *endpoints, region="us-east-1", **more):
    document = {"account": ACCOUNT, "region": region, "endpoints": list(endpoints), **more}
    seed_world(world, document)
    return world.region(ACCOUNT, region)


TABLE = {"ml.c5.xlarge": {"service_ms": 50, "servers": 4},
         "ml.c5.2xlarge": {"service_ms": 42, "servers": 8},
         "ml.g4dn.xlarge": {"service_ms": 6, "servers": 1}}  # fmt: skip


def _workload(rps=40.0, **more):
    return {"machines": {"table": TABLE}, "traffic": {"rps": rps}, "cv": 0.3, **more}


# --- truth and bills


def test_instances_cost_by_the_hour(world):
    """Two ml.c5.xlarge in us-east-1 for a day: 48 hours at 0.204 USD."""
    region = _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge", "instance_count": 2})
    now_s = world.now_s()
    bill = endpoint_bill(world, region, "e", now_s - DAY_S, now_s)
    assert bill.instance_hours == {"ml.c5.xlarge": pytest.approx(48.0)}
    assert bill.usd == pytest.approx(48 * 0.204)
    truth = endpoint_truth(world, region, "e", instance_type="ml.c5.xlarge", instances=2)
    assert truth.usd_per_month == pytest.approx(2 * 0.204 * 730)


def test_serverless_costs_by_the_millisecond(world):
    """0.00002 USD a second for each GB, for as long as requests run; what was measured is
    what the truth expects."""
    region = _seed(world, {"name": "e", "memory_mb": 2048, "workload": {
        "curve": {"a_ms": 200, "b": 0}, "payload_kb": 0, "traffic": {"rps": 2}}})  # fmt: skip
    now_s = world.now_s()
    bill = endpoint_bill(world, region, "e", now_s - DAY_S, now_s)
    truth = endpoint_truth(world, region, "e", memory_mb=2048)
    assert bill.usd == pytest.approx(truth.usd_per_month * 24 / 730, rel=0.02)
    assert bill.usd == pytest.approx(2 * 0.2 * DAY_S * 2 * 0.00002, rel=0.02)


def test_provisioned_concurrency_has_no_price(world):
    """What provisioned concurrency costs is not known: no sum rather than a wrong one."""
    region = _seed(world, {"name": "e", "memory_mb": 1024, "provisioned_concurrency": 1})
    assert endpoint_bill(world, region, "e", world.now_s() - 3600, world.now_s()).usd is None


def test_provisioned_concurrency_costs_what_a_world_asks_for_it(world):
    region = _seed(world, {"name": "e", "memory_mb": 2048, "provisioned_concurrency": 50,
                           "max_concurrency": 50, "workload": _workload(rps=2.0)},
                   serverless_warm_usd={"kept": 5e-6, "used": 1e-5})  # fmt: skip
    now_s = world.now_s()
    bill = endpoint_bill(world, region, "e", now_s - DAY_S, now_s)
    assert bill.provisioned_gb_s == pytest.approx(50 * 2 * DAY_S)
    assert bill.serverless_gb_s == 0.0, "all requests found one of them ready"
    kept = bill.provisioned_gb_s * 5e-6
    assert bill.usd == pytest.approx(kept + bill.provisioned_used_gb_s * 1e-5, rel=0.02)


def test_capacity_is_the_load_at_which_the_threshold_is_met(world):
    """The load per instance at the threshold; more of it breaks it."""
    region = _seed(world, {"name": "e", "workload": _workload()})
    most = capacity_rps(world, region, "e", instance_type="ml.c5.xlarge", threshold_ms=120)
    at = {load: endpoint_truth(world, region, "e", instance_type="ml.c5.xlarge", load_rps=load)
          for load in (most * 0.98, most * 1.02)}  # fmt: skip
    (below, above) = (truth.p95_ms for truth in at.values())
    assert below < 120 < above
    assert capacity_rps(world, region, "e", instance_type="ml.c5.xlarge", threshold_ms=10) == 0.0


def test_a_shared_queue_is_a_cheap_win(world):
    """LEAST_OUTSTANDING_REQUESTS beats RANDOM on several instances."""
    region = _seed(world, {"name": "e", "workload": _workload(130.0)})
    random, least = (
        endpoint_truth(world, region, "e", instance_type="ml.c5.xlarge", instances=2, routing=how)
        for how in ("RANDOM", "LEAST_OUTSTANDING_REQUESTS")
    )
    assert least.p95_ms < random.p95_ms


def test_a_model_that_does_not_run_there(world):
    """A type that the model does not come up on has no latency, but a price."""
    region = _seed(world, {"name": "e", "workload": _workload()})
    truth = endpoint_truth(world, region, "e", instance_type="ml.c7g.xlarge")
    assert not truth.runs
    assert truth.usd_per_month == pytest.approx(0.174 * 730)


# --- what autoscaling uses


def test_scaling_goes_through_updating(world):
    """A count takes launch minutes; while the endpoint is Updating another one is refused."""
    region = _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge"},
                   {"name": "s", "memory_mb": 1024, "provisioned_concurrency": 1})  # fmt: skip
    set_desired_instance_count(world, region, "e", "AllTraffic", 3)
    with pytest.raises(AwsError, match="in-progress"):
        set_desired_instance_count(world, region, "e", "AllTraffic", 2)
    with pytest.raises(AwsError, match="serverless"):
        set_desired_instance_count(world, region, "s", "AllTraffic", 2)
    set_desired_provisioned_concurrency(world, region, "s", "AllTraffic", 5)
    world.advance(600)
    place = sagemaker_of(world, region)
    assert place.endpoints["e"].variants["AllTraffic"].current_instance_count == 3
    size = place.endpoints["s"].variants["AllTraffic"].current_serverless
    assert size is not None
    assert size.provisioned_concurrency == 5
    assert is_scalable(world, region, "e", "AllTraffic")
    assert not is_scalable(world, region, "s", "AllTraffic")


def test_burstable_types_do_not_scale(world):
    """ml.t2 is not supported for autoscaling."""
    region = _seed(world, {"name": "e", "instance_type": "ml.t2.medium"})
    assert not is_scalable(world, region, "e", "AllTraffic")


# --- others at work


def test_terraform_puts_its_configuration_back(world, in_process):
    """Who manages the endpoint's configuration name elsewhere reverts any other."""
    actor = {"actor": "endpoint_terraform", "at_in_s": 0, "every_s": 3600, "endpoint": "e"}
    _seed(world, {"name": "e"}, region="eu-west-1", actors=[actor])
    sm = in_process("sagemaker")
    variant = {"VariantName": "AllTraffic", "ModelName": "e-model",
               "InstanceType": "ml.c5.xlarge", "InitialInstanceCount": 1}  # fmt: skip
    sm.create_endpoint_config(EndpointConfigName="ours", ProductionVariants=[variant])
    world.advance(10)
    sm.update_endpoint(EndpointName="e", EndpointConfigName="ours")
    world.advance(1800)
    assert sm.describe_endpoint(EndpointName="e")["EndpointConfigName"] == "ours"
    world.advance(3600)
    assert sm.describe_endpoint(EndpointName="e")["EndpointConfigName"] == "e-config"


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        ({"actor": "endpoint_console", "instance_count": 3}, ("ml.c5.large", 3)),
        ({"actor": "endpoint_release", "instance_type": "ml.m5.large", "instance_count": 2},
         ("ml.m5.large", 2)),
        ({"actor": "endpoint_recreate", "down_s": 60}, ("ml.c5.large", 1)),
    ],
)  # fmt: skip
def test_others_change_what_there_is(world, in_process, actor, expected):
    """The console, a release, a deletion with re-creation."""
    _seed(world, {"name": "e", "tags": {"a": "b"}}, region="eu-west-1",
          actors=[{**actor, "at_in_s": 5, "endpoint": "e"}])  # fmt: skip
    world.advance(1800)
    sm = in_process("sagemaker")
    shown = sm.describe_endpoint(EndpointName="e")
    config = sm.describe_endpoint_config(EndpointConfigName=shown["EndpointConfigName"])
    found = (config["ProductionVariants"][0]["InstanceType"],
             shown["ProductionVariants"][0]["CurrentInstanceCount"])  # fmt: skip
    assert found == expected
    assert sm.list_tags(ResourceArn=shown["EndpointArn"])["Tags"] == [{"Key": "a", "Value": "b"}]


def test_a_workload_changes(world):
    """A regression of the model from an instant on; what was before stays."""
    region = _seed(world, {"name": "e", "instance_type": "ml.c5.xlarge", "workload": _workload()},
                   actors=[{"actor": "endpoint_workload", "at_in_s": 600, "endpoint": "e",
                            "disturbance": {"effect": "latency", "factor": 1.5}}])  # fmt: skip
    before = endpoint_truth(world, region, "e", instance_type="ml.c5.xlarge").p50_ms
    world.advance(700)
    after = endpoint_truth(world, region, "e", instance_type="ml.c5.xlarge").p50_ms
    assert after > 1.45 * before
    disturb_endpoint(world, region, "e", "traffic", 2.0, seconds=60)
    assert endpoint_truth(world, region, "e", instance_type="ml.c5.xlarge").load_rps == 80


@pytest.mark.parametrize(
    "document",
    [
        {"endpoints": [{"name": "e", "size": 3}]},
        {"endpoints": [{"name": "e"}, {"name": "e"}]},
        {"endpoints": [{"name": "e", "workload": {"machines": {"cpu": 1}}}]},
        {"endpoint_update_faults": [{"endpoint": "e", "outcome": "Explodes"}]},
    ],
)
def test_a_seed_that_makes_no_sense_is_refused(world, document):
    with pytest.raises(ValueError, match=r"."):
        seed_world(world, document)


def test_configurations_that_nobody_uses(world, in_process):
    """Orphaned configurations can be seeded."""
    _seed(world, {"name": "e"}, region="eu-west-1",
          endpoint_configs=[{"name": "old", "instance_type": "ml.p3.2xlarge"}])  # fmt: skip
    found = in_process("sagemaker").list_endpoint_configs()["EndpointConfigs"]
    assert {one["EndpointConfigName"] for one in found} == {"old", "e-config"}


# --- prices


def _products(in_process, **filters):
    client = in_process("pricing", region="us-east-1")
    pages = client.get_paginator("get_products").paginate(
        ServiceCode="AmazonSageMaker",
        Filters=[{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in filters.items()],
    )
    return [json.loads(text) for page in pages for text in page["PriceList"]]


def _usd(product):
    (term,) = product["terms"]["OnDemand"].values()
    (dimension,) = term["priceDimensions"].values()
    return float(dimension["pricePerUnit"]["USD"]), dimension["unit"]


@pytest.mark.parametrize(
    ("region", "usd"),
    [("us-east-1", 0.204), ("us-west-2", 0.204), ("eu-west-1", 0.23), ("eu-central-1", 0.233),
     ("ap-southeast-1", 0.235), ("ap-northeast-1", 0.257), ("af-south-1", 0.274)],
)  # fmt: skip
def test_the_price_of_an_instance(in_process, region, usd):
    """One distinct price of ml.c5.xlarge among the hosting rows of a region."""
    rows = _products(in_process, regionCode=region, instanceType="ml.c5.xlarge")
    hosting = [
        row
        for row in rows
        if row["product"]["attributes"]["usagetype"].endswith("Host:ml.c5.xlarge")
    ]
    assert [_usd(row) for row in hosting] == [(pytest.approx(usd), "Hrs")]
    assert len(rows) > 1


def test_serverless_is_sold_by_memory(in_process):
    """Linear in memory, per second: 0.00002 USD for 1 GB to 0.00012 for 6 GB."""
    rows = _products(in_process, regionCode="us-east-1", productFamily="ML Serverless")
    sizes = {row["product"]["attributes"]["memory"]: _usd(row)[0] for row in rows
             if "memory" in row["product"]["attributes"]}  # fmt: skip
    assert sizes == {f"{gb} GiB": pytest.approx(0.00002 * gb) for gb in range(1, 7)}


def test_types_without_a_price_are_in_the_enum(in_process):
    """ml.m6i and others can be asked for and have no hosting price."""
    assert _products(in_process, regionCode="us-east-1", instanceType="ml.m6i.xlarge") == []
    assert "ml.m6i.xlarge" not in instance_types()
    assert _products(in_process, regionCode="sa-east-1") == []
