"""An alert's whole life, with the real Prometheus and Alertmanager: page, remedy, resolved.

Everything lives sixty times faster: the sandbox, the controller beside it, and the rules
(`--pace`). So the promised time, too, is a sixtieth.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from monitoring import EVENTS, Alertmanager, Prometheus, Webhook, until
from processes import Process, address, environment, run

from controller.sandbox.client import SandboxClient
from controller.telemetry.rules.burn import preset, seconds_to_fire

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

PACE = 60
SLACK_S = 20.0
"""Real seconds for scrape, evaluation, Alertmanager's grouping, and a busy machine."""
ALERT = "RightsizerSlowRequests"
ACCOUNT = {
    "functions": [
        {
            "name": "ocr",
            "memory_mb": 1024,
            "age_days": 6,
            "versions": 1,
            "aliases": {"live": 1},
            "workload": {
                "qualifier": "live",
                "traffic": {"rps": 5.0},
                "curve": {"a_ms": 10.0, "b": 200_000.0, "p": 1.0, "saturation_mb": 3008},
                "memory_mb": 110,
            },
        }
    ]
}
POLICY = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata: {name: ocr, labels: {team: vision}}
spec:
  mode: Enforce
  target: {kind: lambda_function, name: ocr, region: eu-west-1, qualifier: live}
  slo: {latency: {percentile: p95, threshold: 400ms}}
  bounds: {minMemory: 1024Mi, maxMemory: 3008Mi}
  rollout: {bake: 5m}
"""
FAST = {"severity": "page", "burnrate_tier": "fast"}
SLOWER = {"effect": "latency", "factor": 2.5}


@dataclass
class Stage:
    """Everything that runs."""

    sandbox: SandboxClient
    daemon: Process
    prometheus: Prometheus
    webhook: Webhook

    def firing(self) -> list[dict[str, Any]]:
        return self.prometheus.query(f'ALERTS{{alertname="{ALERT}",alertstate="firing"}}')


@pytest.fixture
def stage(program: Callable[[str], str], repository: Path, tmp_path: Path) -> Iterator[Stage]:
    prometheus, alertmanager = program("prometheus"), program("prometheus-alertmanager")
    account, policies, rules = (tmp_path / x for x in ("account.json", "policies", "rules.yml"))
    account.write_text(json.dumps(ACCOUNT))
    policies.mkdir()
    (policies / "ocr.yaml").write_text(POLICY)
    with ExitStack() as stack:
        world = stack.enter_context(
            Process(
                "sandbox", "serve", "--port", "0", "--account-file", str(account),
                "--pace", str(PACE),
            )
        )  # fmt: skip
        url = address(world)
        env = environment(url, tmp_path / "journal.db")
        made = run("rules", "--policies", str(policies), "--pace", str(PACE), env=env)
        assert made.returncode == 0, made.stderr
        rules.write_text(made.stdout)
        webhook = Webhook()
        stack.callback(webhook.close)
        told = {
            "name": "test",
            "type": "webhook",
            "url": webhook.url + EVENTS,
            "minSeverity": "info",
        }
        (tmp_path / "notify.yaml").write_text(json.dumps({"channels": [told]}))
        daemon = stack.enter_context(
            Process(
                "--log-format", "json", "run", "--policies", str(policies),
                "--listen", "127.0.0.1:0", "--pace", str(PACE),
                "--notify", str(tmp_path / "notify.yaml"), env=env,
            )
        )  # fmt: skip
        target = address(daemon).removeprefix("http://")
        daemon.wait_for(lambda line: '"reason": "' in line or '"reason":"' in line, "first look")
        sample = repository / "deploy" / "prometheus" / "alertmanager.yml"
        manager = Alertmanager(alertmanager, sample, webhook.url, tmp_path)
        stack.callback(manager.close)
        watcher = Prometheus(
            prometheus, target=target, rules=rules, alertmanager=manager.address, folder=tmp_path
        )
        stack.callback(watcher.close)
        yield Stage(SandboxClient(url), daemon, watcher, webhook)


def test_a_regression_pages_in_time_is_mended_and_resolves(stage: Stage) -> None:
    increase = "rightsizer:slo_requests:increase20s"
    until(lambda: stage.prometheus.query(f"{increase} >= 3000") or None, "traffic", 60.0)
    assert stage.firing() == []

    began_s = stage.sandbox.now_s()
    actor = {"actor": "workload", "at_s": began_s + 1.0, "function": "ocr", "disturbance": SLOWER}
    stage.sandbox.seed({"actors": [actor]})
    page = until(lambda: stage.webhook.seen(ALERT, status="firing", **FAST), "page", 60.0)
    took_s = stage.sandbox.now_s() - began_s
    promised_s = seconds_to_fire(preset(0.95)[0], 0.95, 1.0)
    assert promised_s is not None
    assert took_s <= promised_s + SLACK_S * PACE
    assert page["labels"]["team"] == "vision"
    assert "a month's budget of slow requests is gone in" in page["annotations"]["description"]
    assert page["annotations"]["runbook_url"] == "docs/runbook.md#rightsizerslowrequests"
    assert [path for path, posted in stage.webhook.alerts if posted is page] == ["/page"]

    mended = stage.daemon.wait_for(lambda line: "Verified:" in line, "the controller's remedy")
    assert "the SLO is met" in mended
    until(lambda: stage.webhook.seen(ALERT, status="resolved", **FAST), "resolution", 60.0)
    until(lambda: None if _pages(stage) else True, "end of every page", 60.0)
    wanted = {f"dev.rightsizer.{x}" for x in ("SloBreached", "ChangeVerified")}
    until(lambda: wanted <= set(stage.webhook.events) or None, "notifications", 60.0)


def _pages(stage: Stage) -> list[dict[str, Any]]:
    return [alert for alert in stage.firing() if alert["metric"]["severity"] == "page"]
