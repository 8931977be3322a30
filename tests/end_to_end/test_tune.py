"""`rightsizer tune` against a sandbox over HTTP: copies, a generator, and a price."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from processes import Process, address, environment, run

from controller.sandbox.client import SandboxClient
from controller.sandbox.seeding import seed_world
from controller.sandbox.truth import truth_of
from controller.sandbox.world import World

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.slow,
    # Found, never imported: Locust's patches are not for a process of tests.
    pytest.mark.skipif(find_spec("locust") is None, reason="the extra [probe] is not installed"),
]

SLO_MS = 300.0
ACCOUNT = {
    "functions": [
        {
            "name": "ocr",
            "memory_mb": 3008,
            "age_days": 3,
            "versions": 1,
            "aliases": {"live": 1},
            "workload": {
                "qualifier": "live",
                "traffic": {"rps": 5.0},
                "curve": {"a_ms": 15.0, "b": 100_000.0, "p": 1.0, "saturation_mb": 1769},
                "memory_mb": 110,
                "init_ms": 150,
            },
        }
    ]
}
POLICY = f"""\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata:
  name: ocr
spec:
  target: {{kind: lambda_function, name: ocr, region: eu-west-1, qualifier: live}}
  slo: {{latency: {{percentile: p95, threshold: {SLO_MS:.0f}ms}}}}
  probe:
    payloads: [{{inline: '{{}}'}}]
    shadow: {{allowed: true}}
"""
SIZES = (256, 384, 512, 768, 3008)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    document = tmp_path / "account.json"
    document.write_text(json.dumps(ACCOUNT), encoding="utf-8")
    with Process("sandbox", "serve", "--port", "0", "--account-file", str(document)) as process:
        yield address(process)


def costs_of_good_sizes() -> dict[int, float]:
    """What a month truly costs at each size that meets the SLO."""
    world = World(seed=0)
    seed_world(world, ACCOUNT)
    region = world.region("123456789012", "eu-west-1")
    truths = [truth_of(world, region, "ocr", mb, SLO_MS) for mb in SIZES]
    return {t.memory_mb: t.usd_per_month or 0.0 for t in truths if (t.met_ratio or 0.0) >= 0.95}


def test_tune_finds_the_size_that_the_world_knows_and_says_what_it_cost(
    sandbox: str, tmp_path: Path
) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "ocr.yaml").write_text(POLICY, encoding="utf-8")
    env = environment(sandbox, tmp_path / "journal.db")
    sizes = ",".join(map(str, SIZES))
    picture = tmp_path / "search.svg"
    words = ["tune", "ocr", "--policies", str(policies), "--sizes", sizes, "--calls", "12"]
    ended = run(*words, "--yes", "-o", "json", "--plot", str(picture), env=env, patience_s=240.0)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    costs = costs_of_good_sizes()
    found = told["best"]["memoryMb"]
    assert found in costs, "it meets the SLO"
    assert costs[found] <= 1.05 * min(costs.values())
    assert 0 < told["calls"] <= 300
    assert 0.0 < told["usd"] < 0.01
    assert {c["size"]["memoryMb"]: c["calls"] for c in told["callsBySize"]}[found] >= 20
    assert picture.read_text("utf-8").startswith("<?xml")
    assert [f["name"] for f in SandboxClient(sandbox).functions()] == ["ocr"]
