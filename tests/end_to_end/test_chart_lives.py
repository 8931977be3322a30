"""What the Helm chart starts, started: its init container and its container as processes.

Commands, arguments and environment are the rendered manifests'; only addresses differ, for the
table is moto's and AWS is a sandbox that enforces what `iam-policy` prints.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import Process, address, get, run
from ruamel.yaml import YAML

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

REPOSITORY = Path(__file__).resolve().parents[2]
ACCOUNT = {
    "functions": [
        {
            "name": "ocr",
            "tags": {"rightsizer": "yes"},
            "memory_mb": 3008,
            "age_days": 3,
            "workload": {
                "traffic": {"rps": 5.0},
                "curve": {"a_ms": 20.0, "b": 80_000.0, "p": 1.0, "saturation_mb": 1769},
                "memory_mb": 110,
            },
        }
    ]
}


def _rendered() -> tuple[dict[str, Any], str]:
    """The pod, and its policies."""
    done = subprocess.run(
        [Path(sys.executable).parent / "helm", "template", "rightsizer",
         REPOSITORY / "deploy/helm/rightsizer", "--set", "lease=dynamodb"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = {one["kind"]: one for one in YAML(typ="safe").load_all(done.stdout) if one}
    return found["Deployment"]["spec"]["template"]["spec"], found["ConfigMap"]["data"][
        "policies.yaml"
    ]


def test_it_makes_its_table_leads_and_recommends(tmp_path: Path) -> None:
    room = pytest.importorskip("moto.server")
    pod, policies = _rendered()
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "policies.yaml").write_text(policies, "utf-8")
    printed = run("iam-policy", "--policies", str(folder), env={})
    (tmp_path / "permissions.json").write_text(printed.stdout, "utf-8")
    (tmp_path / "account.json").write_text(json.dumps(ACCOUNT), "utf-8")
    server = room.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with Process(
            "sandbox", "serve", "--port", "0", "--account-file", str(tmp_path / "account.json"),
            "--permissions", str(tmp_path / "permissions.json"),
        ) as sandbox:  # fmt: skip
            elsewhere = {
                "AWS_ENDPOINT_URL": address(sandbox),
                "AWS_ENDPOINT_URL_DYNAMODB": f"http://{host}:{port}",
                "AWS_ACCESS_KEY_ID": "sandbox",
                "AWS_SECRET_ACCESS_KEY": "sandbox",
            }
            _lives(pod, folder, elsewhere)
    finally:
        server.stop()


def _lives(pod: dict[str, Any], folder: Path, elsewhere: dict[str, str]) -> None:
    (table,) = pod["initContainers"]
    made = run(*table["args"], env={**_environment(table), **elsewhere})
    assert made.returncode == 0, made.stderr
    (container,) = pod["containers"]
    arguments = [str(folder) if one.startswith("/etc/") else one for one in container["args"]]
    env = {**_environment(container), **elsewhere, "RIGHTSIZER_LISTEN": "127.0.0.1:0"}
    with Process(*arguments, env=env) as replica:
        url = address(replica)
        replica.wait_for(lambda line: "ModeRecommend" in line, "recommendation")
        status, page = get(f"{url}/readyz?verbose")
        assert status == 200
        assert "leader" in page
        probe = container["livenessProbe"]["httpGet"]["path"]
        assert get(f"{url}{probe}")[0] == 200
        assert replica.end(signal.SIGTERM) == 0
    assert not any("Traceback" in line or "denied" in line for line in replica.lines)


def _environment(container: dict[str, Any]) -> dict[str, str]:
    given = {one["name"]: str(one["value"]) for one in container["env"]}
    assert not given.keys() & os.environ.keys() - {"AWS_REGION"}
    return given
