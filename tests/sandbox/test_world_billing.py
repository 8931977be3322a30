"""What is billed, and what is really so."""

import pytest

from controller.sandbox.demo_account import demo_document
from controller.sandbox.seeding import seed_world
from controller.sandbox.truth import cheapest_size
from controller.sandbox.world import World

DAY = 86_400.0
LADDER = [128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1769, 2048, 3008]


@pytest.fixture(scope="module")
def world() -> World:
    world = World(seed=11)
    seed_world(world, demo_document(regression=False))
    return world


def test_a_bill_adds_up_by_hand():
    """Whole milliseconds x GB x price, plus requests, plus INIT."""
    world = World(seed=1)
    curve = {"points": [[128, 100.2]]}
    seed_world(world, {"functions": [{"name": "f", "memory_mb": 512, "workload": {
            "curve": curve, "cv": 0.000001, "init_ms": 1000, "init_cv": 0,
            "traffic": {"trace": [[0, 300], [300, 300]], "origin_s": 0}}}]}
    )  # fmt: skip
    end = world.now_s() // 3600 * 3600
    bill = world.cost("f", end - 3600, end)
    assert bill.requests == 3600
    cold_gb_s = bill.init_gb_s
    assert bill.gb_s - cold_gb_s == pytest.approx(3600 * 0.101 * 0.5)
    assert bill.usd == pytest.approx(bill.gb_s * 0.0000166667 + 3600 * 0.20e-6)


def test_a_bill_of_parts_is_the_bill(world):
    now = world.now_s()
    whole = world.cost("checkout-ocr", now - DAY, now)
    parts = [world.cost("checkout-ocr", now - DAY + i * 3600, now - DAY + (i + 1) * 3600)
             for i in range(24)]  # fmt: skip
    assert sum(part.requests for part in parts) == whole.requests
    assert sum(part.usd or 0 for part in parts) == pytest.approx(whole.usd)


@pytest.mark.parametrize(
    "name", ["checkout-ocr", "invoice-classifier", "thumbnailer", "webhook-intake"]
)
def test_truth_and_bill_agree(world, name):
    """The monthly cost that the model predicts is what two weeks are billed."""
    now = world.now_s()
    billed = world.cost(name, now - 14 * DAY, now)
    truth = world.truth(name)
    monthly = 730.0 / (14 * 24)
    assert billed.usd * monthly == pytest.approx(truth.usd_per_month, rel=0.02)
    assert billed.requests * monthly == pytest.approx(truth.requests_per_month, rel=0.02)


def test_idle_provisioned_concurrency_costs():
    """Provisioned concurrency is billed while it is there, even unused."""
    world = World(seed=1)
    function = {"name": "f", "memory_mb": 1024, "versions": 1, "aliases": {"live": 1}}
    seed_world(world, {"functions": [{**function, "provisioned": {"live": 10}}]})
    now = world.now_s()
    bill = world.cost("f", now - DAY, now)
    assert bill.provisioned_gb_s == pytest.approx(10 * DAY)
    assert bill.usd == pytest.approx(10 * DAY * 0.0000041667)


def test_a_region_without_prices_has_no_cost():
    world = World()
    seed_world(world, {"region": "xx-nowhere-1", "functions": [{"name": "f"}]})
    truth = world.truth("f", region="xx-nowhere-1")
    assert truth.usd_per_month is None
    assert world.cost("f", 0, world.now_s(), region="xx-nowhere-1").usd is None


def test_no_function_no_bill(world):
    assert world.cost("ghost", 0, world.now_s()).document()["requests"] == 0


@pytest.mark.parametrize(
    ("name", "slo_ms", "verdict"),
    [
        ("checkout-ocr", 450, "smaller"),
        ("invoice-classifier", 400, "larger"),
        ("webhook-intake", 250, "smaller"),
    ],
)
def test_the_demo_account_teaches_what_it_says(world, name, slo_ms, verdict):
    region = world.region()
    now = world.truth(name, threshold_ms=slo_ms)
    best = cheapest_size(world, region, name, sizes=LADDER, threshold_ms=slo_ms)
    assert best is not None
    assert (now.met_ratio >= 0.95) == (verdict == "smaller")
    assert (best.memory_mb < now.memory_mb) == (verdict == "smaller")
    if verdict == "smaller":
        assert best.usd_per_month < 0.7 * now.usd_per_month


def test_the_right_one_is_right(world):
    """The next size down saves less than a twentieth, the one after breaks the SLO."""
    now = world.truth("thumbnailer", threshold_ms=300)
    smaller = world.truth("thumbnailer", 448, threshold_ms=300)
    small = world.truth("thumbnailer", 384, threshold_ms=300)
    assert now.met_ratio > 0.95
    assert smaller.usd_per_month > 0.95 * now.usd_per_month
    assert small.met_ratio < 0.95


def test_the_embedder_needs_its_memory(world):
    """Fast enough at half the size, but it would run out of memory."""
    half = world.truth("product-embedder", 1024, threshold_ms=900)
    assert half.met_ratio > 0.95
    assert half.out_of_memory_share == 1.0


def test_the_quiet_one_is_quiet(world):
    assert world.truth("month-end-report").requests_per_month < 300
