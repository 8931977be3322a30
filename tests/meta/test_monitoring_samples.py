"""The samples in deploy/prometheus, as Prometheus and Alertmanager read them."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from sources import REPOSITORY

SAMPLES = REPOSITORY / "deploy/prometheus"
ENDPOINT = {"account": "1", "region": "r", "kind": "k", "name": "n", "qualifier": "q"}


def run(*arguments: str | Path, cwd: Path | None = None) -> str:
    done = subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_amtool_takes_the_routing(program: Callable[[str], str]) -> None:
    said = run(program("amtool"), "check-config", SAMPLES / "alertmanager.yml")
    assert "SUCCESS" in said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=page", "alertname=RightsizerSlowRequests"], "on-call"),
        (["severity=ticket", "alertname=RightsizerDrift"], "tickets"),
        (["severity=info", "alertname=RightsizerRolledBack"], "nobody"),
    ],
)
def test_alerts_go_where_they_should(
    program: Callable[[str], str], labels: list[str], receiver: str
) -> None:
    file = f"--config.file={SAMPLES / 'alertmanager.yml'}"
    assert run(program("amtool"), "config", "routes", "test", file, *labels).strip() == receiver


def test_promtool_takes_the_scrape_configuration(
    program: Callable[[str], str], tmp_path: Path
) -> None:
    shutil.copy(SAMPLES / "prometheus.yml", tmp_path)
    (tmp_path / "rightsizer.rules.yml").write_text(json.dumps({"groups": []}))
    assert "SUCCESS" in run(program("promtool"), "check", "config", "prometheus.yml", cwd=tmp_path)


def test_inhibition_speaks_of_labels_that_alerts_have() -> None:
    rules = YAML(typ="safe").load(SAMPLES / "alertmanager.yml")["inhibit_rules"]
    known = {*ENDPOINT, "policy", "slo", "alertname"}
    for rule in rules:
        assert set(rule.get("equal", ())) <= known
