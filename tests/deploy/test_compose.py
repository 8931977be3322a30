"""The Compose file: valid by its specification, and its parts agree with one another.

There is no Docker engine here: that it comes up is not shown. The commands, the policies and
the alerts of its own containers are run; Prometheus and Alertmanager check their files.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from chart import BIN, DEPLOY, REPOSITORY, YAML_SAFE

from controller.cli.config import options
from controller.cli.main import COMMANDS

pytestmark = pytest.mark.slow

FILE = DEPLOY / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file with its anchors resolved."""
    return dict(YAML_SAFE.load(FILE.read_text("utf-8")))


def test_it_is_what_the_specification_says() -> None:
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_every_file_that_is_mounted_is_there(compose: dict[str, Any]) -> None:
    named = set(compose["volumes"])
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in named or (DEPLOY / source).exists(), (name, source)
        for other in service.get("depends_on", []):
            assert other in compose["services"]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_nothing_listens_beyond_this_machine(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_its_commands_are_the_program_s(compose: dict[str, Any]) -> None:
    controller = compose["services"]["controller"]
    assert controller["command"][0] == "run" in COMMANDS
    flags = {word for option in options() for word in option.opts}
    assert {word for word in controller["command"] if word.startswith("--")} <= flags
    variables = {option.envvar for option in options()}
    given = {name for name in controller["environment"] if name.startswith("RIGHTSIZER_")}
    assert given <= variables
    sandbox = compose["services"]["sandbox"]["command"]
    port = sandbox[sandbox.index("--port") + 1]
    assert controller["environment"]["AWS_ENDPOINT_URL"] == f"http://sandbox:{port}"
    assert sandbox[sandbox.index("--pace") + 1] in controller["command"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_the_alerts_that_it_writes_are_read(compose: dict[str, Any], tmp_path: Path) -> None:
    """The two one-shot containers' scripts are run here, one after the other."""
    for name in ("policies", "rules"):
        (tmp_path / name).mkdir()
    for name in ("policies", "rules"):
        (script,) = compose["services"][name]["command"]
        script = script.replace("/etc/rightsizer/policies", "/policies")
        script = script.replace('"/policies"', f'"{tmp_path}/policies"')
        script = script.replace('"/rules/', f'"{tmp_path}/rules/')
        script = script.replace('"rightsizer"', f'"{BIN / "rightsizer"}"')
        subprocess.run([sys.executable, "-c", script], check=True, cwd=REPOSITORY)
    settings = (DEPLOY / "compose/prometheus.yml").read_text("utf-8")
    settings = settings.replace("/etc/prometheus/rules", str(tmp_path / "rules"))
    (tmp_path / "prometheus.yml").write_text(settings, "utf-8")
    done = subprocess.run(
        ["promtool", "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout
    assert (tmp_path / "rules/rightsizer.rules.yml").stat().st_size > 1000


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
def test_alertmanager_reads_its_file() -> None:
    done = subprocess.run(
        ["amtool", "check-config", DEPLOY / "compose/alertmanager.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
