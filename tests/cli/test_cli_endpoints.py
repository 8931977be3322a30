"""The command line with endpoints of all three kinds: a starter, a plan, an explanation, advice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_shell import NOW_S, Account, Shell, WorldClock, function

from controller.cli.exits import ExitCode
from controller.sandbox.client import SandboxClient
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

pytestmark = pytest.mark.slow

POLICY = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata: {name: all}
spec:
  target: {kind: any, selector: {namePattern: "*"}, region: us-east-1}
  slo: {latency: {threshold: 400ms}}
  budget: {perMonth: "400 USD"}
"""
SERVERLESS = {
    "name": "resumes",
    "memory_mb": 6144,
    "max_concurrency": 20,
    "age_days": 30,
    "unchanged_days": 20,
    "workload": {
        "curve": {"a_ms": 60.0, "b": 100_000.0, "p": 1.0, "saturation_mb": 1769},
        "memory_mb": 900,
        "traffic": {"rps": 1.0},
    },
}
REALTIME = {
    "name": "ranker",
    "instance_type": "ml.c5.xlarge",
    "instance_count": 4,
    "age_days": 30,
    "unchanged_days": 20,
    "workload": {
        "machines": {"work_ms": 55.0, "fixed_ms": 3.0, "cores": 2.0},
        "memory_mb": 1500,
        "traffic": {"rps": 2.0, "daily_amplitude": 0.5},
    },
}
IDLE = {**REALTIME, "name": "idle", "workload": {"traffic": {"rps": 0.0}}}


@pytest.fixture(scope="module")
def world() -> World:
    """Read only: what is rendered once serves every test of this file."""
    world = World(seed=3, start_s=NOW_S)
    seed_world(
        world,
        {
            "region": "us-east-1",
            "functions": [function("ocr", 3008)],
            "endpoints": [SERVERLESS, REALTIME, IDLE],
        },
    )
    return world


@pytest.fixture
def fleet(world: World, tmp_path: Path, store_path: Path) -> Iterator[Account]:
    server = SandboxServer(world)
    server.start()
    variables = {"RIGHTSIZER_ENDPOINT_URL": server.url, "AWS_REGION": "us-east-1"}
    shell = Shell(store_path, WorldClock(world), variables)
    account = Account(world, server.url, shell, SandboxClient(server.url), tmp_path / "policies")
    account.write(POLICY)
    yield account
    server.stop()


def explained(fleet: Account, name: str) -> Any:
    return fleet.shell("explain", name, "--policies", fleet.policies, "-o", "json").document


@pytest.mark.parametrize(
    ("kind", "name", "says"),
    [
        ("serverless", "resumes", "has 6Gi and at most 20 requests at a time today"),
        ("realtime", "ranker", "has 4 x ml.c5.xlarge today"),
    ],
)
def test_a_starter_for_each_kind_is_a_valid_policy(
    fleet: Account, kind: str, name: str, says: str
) -> None:
    result = fleet.shell("init", kind, name)
    assert result.code == 0, result.err
    assert says in result.out
    assert 'qualifier: "AllTraffic"' in result.out
    assert fleet.shell("validate", "-", stdin=result.out).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["realtime", "resumes"], ExitCode.ERROR, "is a serverless endpoint"),
        (["serverless", "gone"], ExitCode.ERROR, "gone"),
        (["realtime", "ranker", "--qualifier", "blue"], ExitCode.ERROR, "AllTraffic"),
        (["realtime", "my_model"], ExitCode.USAGE, "is not the name of an endpoint"),
        (["realtime", "ranker", "--qualifier", "$LATEST"], ExitCode.USAGE, "of Lambda functions"),
    ],
)
def test_no_starter_for_what_is_not_there(
    fleet: Account, arguments: list[str], code: ExitCode, says: str
) -> None:
    result = fleet.shell("init", *arguments)
    assert (result.code, result.out) == (code, "")
    assert says in result.err


def test_a_serverless_endpoint_explained(fleet: Account) -> None:
    document = explained(fleet, "resumes")
    table = {row["size"]["memoryMb"]: row for row in document["costTable"]}
    assert set(table) >= {1024, 2048, 6144}
    assert table[6144]["usdPerMonth"]["mid"] > table[2048]["usdPerMonth"]["mid"]
    hosting = {line["kind"]: line for line in document["hosting"]}
    assert hosting["serverless_endpoint"]["present"]
    assert "mid" in hosting["lambda_function"]["usdPerMonth"]
    assert hosting["realtime_endpoint"]["breakEvenRequestsPerSecond"] > 0


def test_a_realtime_endpoint_explained_for_people(fleet: Account) -> None:
    result = fleet.shell("explain", "ranker", "--policies", fleet.policies)
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    head = next(line for line in lines if "LATENCY MS" in line)
    for column in ("SIZE", "SLO", "INST", "USD/H", "USD/MONTH", "USD/1M", "BUDGET"):
        assert column in head
    at = lines.index(head)
    rows = lines[at : lines.index("* the live size   > the wanted size")]
    assert any(row.startswith("*") and "4 c5.xlarge" in row for row in rows)
    assert max(len(row) for row in rows) <= 80
    assert "never carried out" in result.out
    assert "4 instances running, configuration ranker-config" in result.out


def test_instances_needed_follow_the_demand(fleet: Account) -> None:
    document = explained(fleet, "ranker")
    (here,) = (r for r in document["costTable"] if r["size"] == document["currentSize"])
    assert here["instances"]["mid"] == 4
    assert here["usdPerHour"] == pytest.approx(4 * 0.204)
    assert here["fitsBudget"] is False
    assert here["usdPerMillionRequests"] == pytest.approx(
        here["usdPerMonth"]["mid"] / document["demand"]["requestsPerMonth"]["mid"] * 1e6, rel=1e-4
    )


def test_an_endpoint_without_a_request_is_idle(fleet: Account) -> None:
    (advice,) = explained(fleet, "idle")["advice"]
    assert advice["reason"] == "Idle"
    assert advice["savesUsdPerMonth"]["high"] == pytest.approx(4 * 0.204 * 730)
    text = fleet.shell("explain", "idle", "--policies", fleet.policies).out
    assert "Idle: not one request in a week" in text


def test_a_plan_for_a_mixed_fleet(fleet: Account) -> None:
    result = fleet.shell("plan", "--policies", fleet.policies)
    assert result.code == 0, result.err
    for endpoint in (
        "lambda us-east-1/ocr",
        "serverless us-east-1/resumes",
        "realtime us-east-1/ranker",
    ):
        assert endpoint in result.out
    assert "4 -> 1 c5.xlarge" in result.out


ONE = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata: {name: one}
spec:
  target: {kind: KIND, name: NAME, region: us-east-1}
  slo: {latency: {threshold: 400ms}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "endpoint", "before", "after"),
    [
        ("serverless_endpoint", SERVERLESS, "6144", "2048 MB x20"),
        ("realtime_endpoint", REALTIME, "4 -> 1 c5.xlarge", "CheaperSize"),
    ],
)
def test_a_plan_is_applied_and_undone(
    tmp_path: Path, store_path: Path, kind: str, endpoint: dict[str, Any], before: str, after: str
) -> None:
    world = World(seed=3, start_s=NOW_S)
    busy = {**endpoint, "workload": {**endpoint["workload"], "traffic": {"rps": 5.0}}}
    seed_world(world, {"region": "us-east-1", "endpoints": [busy]})
    server = SandboxServer(world)
    server.start()
    store_path.parent.mkdir()
    variables = {"RIGHTSIZER_ENDPOINT_URL": server.url, "AWS_REGION": "us-east-1"}
    shell = Shell(store_path, WorldClock(world), variables)
    policy, plan = tmp_path / "p.yaml", tmp_path / "plan.json"
    policy.write_text(ONE.replace("KIND", kind).replace("NAME", endpoint["name"]))
    try:
        shell("plan", "--policies", policy, "--out", plan)
        applied = shell("apply", plan, "--policies", policy, "--yes")
        assert applied.code == 0, applied.err
        assert "Verified" in applied.out
        row = shell("get", "changes").out.splitlines()[1]
        assert before in row
        assert after in row
        undone = shell("rollback", endpoint["name"], "--policies", policy, "--yes")
        assert undone.code == 0, undone.err
        first = shell("get", "changes", "-o", "json").document["items"]
        assert [item["phase"] for item in first] == ["Verified", "Verified"]
        assert first[0]["target"] == first[1]["before"]
        document = shell("explain", endpoint["name"], "--policies", policy, "-o", "json").document
        assert document["currentSize"] == first[1]["before"]
        assert "OrphanedConfigs" not in [one["reason"] for one in document["advice"]]
    finally:
        server.stop()


def test_doctor_tries_what_the_policies_need(fleet: Account) -> None:
    fleet.write(
        POLICY.replace(
            'any, selector: {namePattern: "*"}', "realtime_endpoint, name: ranker"
        ).replace("slo:", "mode: Enforce\n  slo:")
    )
    found = fleet.shell("doctor", "--policies", fleet.policies, "--try-enforce", "-o", "json")
    items = {item["check"]: item for item in found.document["items"]}
    assert {item["verdict"] for item in items.values()} == {"ok"}, items
    assert {
        "sagemaker:DescribeEndpoint",
        "sagemaker:UpdateEndpoint",
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DeregisterScalableTarget",
        "prices of instances",
    } <= set(items)
    assert "lambda:ListFunctions" not in items
