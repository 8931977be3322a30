"""The daemon as a container would run it: real processes, signals, HTTP and boto3."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Process, address, entries, environment, get, run

PACE = "8"
"""The sandbox's seconds in one of ours: waits for AWS are short."""
pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

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
                "curve": {"a_ms": 20.0, "b": 80_000.0, "p": 1.0, "saturation_mb": 1769},
                "memory_mb": 110,
            },
        }
    ]
}
POLICY = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata:
  name: ocr
spec:
  mode: {mode}
  target: {{kind: lambda_function, name: ocr, region: eu-west-1, qualifier: live}}
  slo: {{latency: {{percentile: p95, threshold: 400ms}}}}
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    document = tmp_path / "account.json"
    document.write_text(json.dumps(ACCOUNT), encoding="utf-8")
    command = ("sandbox", "serve", "--port", "0", "--account-file", str(document), "--pace", PACE)
    with Process(*command) as process:
        yield address(process)


def _daemon(policies: Path, env: dict[str, str]) -> Process:
    return Process(
        "--log-format",
        "json",
        "run",
        "--policies",
        str(policies),
        "--listen",
        "127.0.0.1:0",
        "--pace",
        PACE,
        env=env,
    )


def test_it_recommends_reloads_enforces_and_stops_in_time(sandbox: str, tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "ocr.yaml").write_text(POLICY.format(mode="Recommend"), encoding="utf-8")
    env = environment(sandbox, tmp_path / "journal.db")
    with _daemon(policies, env) as daemon:
        url = address(daemon)
        daemon.wait_for(lambda line: "ModeRecommend" in line, "recommendation")
        assert get(f"{url}/readyz")[0] == 200
        assert get(f"{url}/healthz")[0] == 200
        status, body = get(f"{url}/metrics")
        assert status == 200
        assert "rightsizer_endpoint_decision" in body or 'reason="ModeRecommend"' in body

        (row,) = entries(run("get", "endpoints", "-o", "json", env=env).stdout)
        assert row["reason"] == "ModeRecommend"

        second = _daemon(policies, env)
        assert second.child.wait(60) == 1
        assert any("daemon" in line for line in second.lines)

        (policies / "ocr.yaml").write_text("spec: [", encoding="utf-8")
        daemon.child.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda line: "last good set" in line, "refusal of a broken policy")
        status, page = get(f"{url}/readyz")
        assert status == 200
        assert "[!] policies: 1 policies in force, the last good set; on disk: " in page
        assert "ocr.yaml:" in page

        (policies / "ocr.yaml").write_text(POLICY.format(mode="Enforce"), encoding="utf-8")
        daemon.child.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda line: "policies loaded" in line and '"ts"' in line, "reload")
        assert daemon.end(signal.SIGTERM) == 0
    assert not any("Traceback" in line for line in daemon.lines)
    assert not any("secret" in line for line in daemon.lines if "AWS" in line)


def test_killed_in_the_middle_of_a_change_the_next_start_takes_it_up(
    sandbox: str, tmp_path: Path
) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "ocr.yaml").write_text(POLICY.format(mode="Enforce"), encoding="utf-8")
    env = environment(sandbox, tmp_path / "journal.db")
    with _daemon(policies, env) as daemon:
        daemon.wait_for(lambda line: "CheaperSize" in line or "change: " in line, "change")
        assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    (change,) = entries(run("get", "changes", "-o", "json", env=env).stdout)
    assert change["phase"] in {"Planned", "Applying", "Verifying"}
    with _daemon(policies, env) as daemon:
        daemon.wait_for(lambda line: "canary with" in line, "canary")
        assert daemon.end(signal.SIGTERM) == 0
    (after,) = entries(run("get", "changes", "-o", "json", env=env).stdout)
    assert after["id"] == change["id"]
    assert after["phase"] == "Verifying"
    undone = run("rollback", "ocr", "--yes", "--policies", str(policies), env=env)
    assert undone.returncode == 0, undone.stderr


def test_what_people_ask_for_is_begun_long_before_the_next_turn(
    sandbox: str, tmp_path: Path
) -> None:
    policies, plan = tmp_path / "policies", tmp_path / "plan.json"
    policies.mkdir()
    policy = POLICY.format(mode="Recommend") + "  cadence: {interval: 1h}\n"
    (policies / "ocr.yaml").write_text(policy, encoding="utf-8")
    env = environment(sandbox, tmp_path / "journal.db")
    with _daemon(policies, env) as daemon:
        daemon.wait_for(lambda line: "ModeRecommend" in line, "recommendation")
        run("plan", "--policies", str(policies), "--out", str(plan), env=env)
        asked = ("apply", str(plan), "--policies", str(policies), "--yes", "--no-wait")
        begun = run(*asked, env=env)
        assert begun.returncode == 0, begun.stderr
        daemon.wait_for(lambda line: "canary with" in line, "canary")
        undone = run("rollback", "ocr", "--yes", "--policies", str(policies), env=env)
        assert undone.returncode == 0, undone.stderr
        daemon.wait_for(lambda line: "RolledBack" in line, "way back")
        assert daemon.end(signal.SIGTERM) == 0
    (change,) = entries(run("get", "changes", "-o", "json", env=env).stdout)
    assert change["phase"] == "RolledBack"
