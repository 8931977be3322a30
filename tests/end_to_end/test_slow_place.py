"""A region that hangs holds up nobody else: real processes, a fault in one region's answers."""

import json
import re
import time
from pathlib import Path

import pytest
from processes import PATIENCE_S, Process, address, environment, get

from controller.sandbox.client import SandboxClient

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

PACE = "120"
SLOW, FAST = "eu-west-1", "us-east-1"
POLICY = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata:
  name: {name}
spec:
  mode: Recommend
  target: {{kind: lambda_function, name: {name}, region: {region}, qualifier: live}}
  slo: {{latency: {{percentile: p95, threshold: 400ms}}}}
"""
PLACES = {**{f"slow{i}": SLOW for i in range(6)}, "fast": FAST}


def _function(name: str, region: str) -> dict[str, object]:
    return {
        "name": name,
        "region": region,
        "memory_mb": 1024,
        "aliases": {"live": 1},
        "versions": 1,
        "age_days": 2,
        "workload": {"qualifier": "live", "traffic": {"rps": 1.0}, "memory_mb": 110},
    }


def _looked_at(url: str, region: str) -> list[float]:
    """When each endpoint of a region was last reconciled."""
    page = get(f"{url}/metrics")[1]
    wanted = re.compile(
        rf'^rightsizer_last_reconcile_timestamp_seconds{{.*region="{region}".*}} (\S+)$',
        re.MULTILINE,
    )
    return [float(value) for value in wanted.findall(page)]


def test_the_others_are_looked_at_on_time(tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    functions = [_function(name, region) for name, region in PLACES.items()]
    account.write_text(json.dumps({"functions": functions}), encoding="utf-8")
    for name, region in PLACES.items():
        text = POLICY.format(name=name, region=region)
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    served = ("--port", "0", "--account-file", str(account), "--pace", PACE)
    with Process("sandbox", "serve", *served) as sandbox:
        aws = SandboxClient(address(sandbox))
        env = environment(address(sandbox), tmp_path / "journal.db")
        run = ("run", "--policies", str(tmp_path), "--listen", "127.0.0.1:0", "--pace", PACE)
        with Process("--log-format", "json", *run, env=env) as daemon:
            url = address(daemon)
            deadline_s = time.monotonic() + PATIENCE_S
            while len(_looked_at(url, SLOW)) < 6 or not _looked_at(url, FAST):
                assert time.monotonic() < deadline_s, daemon.lines[-20:]
                time.sleep(0.2)
            aws.add_fault("latency", region=SLOW, latency_ms=40_000.0)
            seen = _turns(url, seconds=25.0)
            # an interval of five minutes lasts two and a half seconds at this pace
            assert len(seen) >= 5, (seen, daemon.lines[-20:])


def _turns(url: str, seconds: float) -> set[float]:
    """Different instants at which the other region's endpoint was looked at meanwhile."""
    end_s = time.monotonic() + seconds
    seen: set[float] = set()
    while time.monotonic() < end_s:
        seen.update(_looked_at(url, FAST))
        time.sleep(0.2)
    return seen
