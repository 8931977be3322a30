"""The container image: built without a Docker engine, run as Kubernetes would run it.

Real: buildah builds the Dockerfile; the daemon runs as user 65532 on a read-only root without
any capability, works a whole round against a sandbox, and ends on SIGTERM as process 1.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Process, address, environment, get, run

REPOSITORY = Path(__file__).resolve().parents[2]
IMAGE = "localhost/rightsizer-under-test:latest"
READY = REPOSITORY / ".tools/image"
NEEDED = ("buildah", "podman", "unshare")
ACCOUNT = {
    "functions": [
        {
            "name": "ocr",
            "memory_mb": 3008,
            "age_days": 3,
            "workload": {
                "qualifier": "$LATEST",
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
metadata: {name: ocr}
spec:
  target: {kind: lambda_function, name: ocr, region: eu-west-1}
  slo: {latency: {percentile: p95, threshold: 400ms}}
"""
WITHOUT_UNIFIED_CGROUPS = 'umount -l /sys/fs/cgroup/unified 2>/dev/null; exec podman "$@"'
"""In a mount namespace of its own: crun refuses the mixed form of cgroups."""

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.slow,
    pytest.mark.skipif(
        any(shutil.which(name) is None for name in NEEDED)
        or os.geteuid() != 0
        or not (READY / "stamp").exists(),
        reason="the image is built by root, with buildah and podman, after tools/containers",
    ),
]


def _out(*command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, f"{command[0]}: {(done.stdout + done.stderr)[-2000:]}"
    return done.stdout.strip()


@pytest.fixture
def image() -> Iterator[str]:
    """The daemon's image, built from the checkout and from packages that are here already."""
    base = (READY / "base").read_text("utf-8").strip()
    _out(
        "buildah", "build", "--format", "docker", "--pull=never", "--isolation", "chroot",
        "--network", "host", "--volume", f"{READY}/wheels:/wheelhouse:ro",
        "--secret", f"id=pip,src={READY}/pip", "--build-arg", f"BASE={base}",
        "--build-arg", "REVISION=tested", "--layers=false", "--force-rm", "--tag", IMAGE, ".",
    )  # fmt: skip
    yield IMAGE
    _out("buildah", "rmi", "--force", IMAGE)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    document = tmp_path / "account.json"
    document.write_text(json.dumps(ACCOUNT), encoding="utf-8")
    (tmp_path / "ocr.yaml").write_text(POLICY, "utf-8")
    printed = run("iam-policy", "--policies", str(tmp_path / "ocr.yaml"), env={})
    permissions = tmp_path / "permissions.json"
    permissions.write_text(printed.stdout, "utf-8")
    with Process(
        "sandbox", "serve", "--port", "0", "--account-file", str(document),
        "--permissions", str(permissions),
    ) as process:  # fmt: skip
        yield address(process)


def _podman(*arguments: str) -> list[str]:
    return ["unshare", "-m", "sh", "-c", WITHOUT_UNIFIED_CGROUPS, "podman", *arguments]


def _says_what_it_is_and_holds_no_more_than_it_needs(image: str) -> None:
    (shown,) = json.loads(_out("podman", "image", "inspect", image))
    config = shown["Config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["rightsizer"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.revision"] == "tested"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    own = json.loads(_out("podman", "history", "--format", "json", image))[0]["size"]
    assert own < 120e6, "the program and its libraries, on top of the base"


def test_a_whole_round_inside_with_nothing_but_the_journal_to_write_to(
    image: str, sandbox: str, tmp_path: Path
) -> None:
    """One test, for the image is built once."""
    _says_what_it_is_and_holds_no_more_than_it_needs(image)
    policies, state = tmp_path / "policies", tmp_path / "state"
    policies.mkdir()
    (policies / "ocr.yaml").write_text(POLICY, "utf-8")
    state.mkdir()
    os.chown(state, 65532, 65532)
    env = environment(sandbox, Path("/var/lib/rightsizer/journal.db"))
    del env["RIGHTSIZER_STORE"]
    command = _podman(
        "run", "--rm", "--cgroups=disabled", "--network", "host", "--no-healthcheck",
        "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096",
        "--read-only", "--read-only-tmpfs=false", "--cap-drop", "all",
        "--security-opt", "no-new-privileges",
        *(word for name, value in env.items() for word in ("--env", f"{name}={value}")),
        "--env", "RIGHTSIZER_LISTEN=127.0.0.1:0", "--env", "RIGHTSIZER_LOG_FORMAT=json",
        "--volume", f"{policies}:/etc/rightsizer/policies:ro",
        "--volume", f"{state}:/var/lib/rightsizer", image,
    )  # fmt: skip
    with Process(program=command) as daemon:
        url = address(daemon)
        line = daemon.wait_for(lambda text: "ModeRecommend" in text, "recommendation")
        assert "3008" in line
        status, page = get(f"{url}/readyz")
        assert status == 200, page
        assert 'reason="ModeRecommend"' in get(f"{url}/metrics")[1]
        inside = _of_container(daemon)
        assert inside["Uid"].split()[0] == "65532"
        assert int(inside["CapEff"], 16) == int(inside["CapBnd"], 16) == 0
        assert daemon.end(signal.SIGTERM) == 0
    assert not any("Traceback" in line or "denied" in line for line in daemon.lines)
    assert (state / "journal.db").stat().st_uid == 65532


def _of_container(daemon: Process) -> dict[str, str]:
    """/proc's words about the program in the container, found by its arguments and its user."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            arguments = (status.parent / "cmdline").read_bytes()
            text = status.read_text()
        except OSError:
            continue
        if b"/etc/rightsizer/policies" in arguments and "\nUid:\t65532" in text:
            return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    raise AssertionError(f"no process of user 65532 among:\n{daemon.lines[-5:]}")
