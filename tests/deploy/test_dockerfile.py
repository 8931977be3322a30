"""The image's files agree with the program; what building it shows is in end_to_end."""

import json
import re
import subprocess

import pytest
from chart import BIN, REPOSITORY, tool

import controller
from controller.settings import Settings

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8")
IGNORED = (REPOSITORY / ".dockerignore").read_text("utf-8")
CLIENT = re.compile(
    r"""(?:_client|\.client|create_client|load_service)\((?:[\w.()"-]+, )?["']([a-z0-9-]+)["']"""
)


def test_it_lints() -> None:
    done = subprocess.run(
        [BIN / "hadolint", "Dockerfile"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_image_listens_where_the_program_does_outside_it() -> None:
    """Same port as everywhere, on every address, and the journal on the volume."""
    port = Settings(store=REPOSITORY).listen.rpartition(":")[2]
    assert f"RIGHTSIZER_LISTEN=0.0.0.0:{port}\n" in DOCKERFILE
    assert f"EXPOSE {port}\n" in DOCKERFILE
    assert f"http://127.0.0.1:{port}/healthz" in DOCKERFILE
    assert "RIGHTSIZER_STORE=/var/lib/rightsizer/journal.db" in DOCKERFILE
    assert "VOLUME /var/lib/rightsizer\n" in DOCKERFILE


def test_it_names_this_version() -> None:
    assert f"ARG VERSION={controller.__version__}\n" in DOCKERFILE


def test_no_shell_is_needed_to_run_it() -> None:
    final = DOCKERFILE[DOCKERFILE.index("FROM ${BASE} AS base") :]
    for verb in ("ENTRYPOINT", "CMD"):
        for words in re.findall(rf"^\s*{verb} (.*)$", final, re.MULTILINE):
            assert words.startswith("["), words


@pytest.mark.parametrize("lock", ["requirements", "requirements-build", "requirements-probe"])
def test_it_is_built_from_the_lock_files(lock: str) -> None:
    assert re.search(rf"--require-hashes -r {lock}\.lock", DOCKERFILE)
    assert f"!{lock}.lock\n" in IGNORED


def test_models_of_every_service_that_is_called_stay_in_the_image() -> None:
    kept = set(tool("trim-venv").SERVICES)
    asked = {
        name
        for path in (REPOSITORY / "controller").rglob("*.py")
        for name in CLIENT.findall(path.read_text("utf-8"))
    }
    assert {"lambda", "sagemaker", "cloudwatch", "logs", "sts"} < asked
    assert asked <= kept


@pytest.mark.slow
@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-probe.lock"])
def test_the_bill_of_materials_names_every_package_of_an_image(lock: str) -> None:
    done = subprocess.run(
        [BIN / "cyclonedx-py", "requirements", lock, "--pyproject", "pyproject.toml"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    bill = json.loads(done.stdout)
    assert bill["metadata"]["component"]["name"] == "rightsizer"
    locked = re.findall(
        r"^([a-z0-9._-]+)==(\S+)", (REPOSITORY / lock).read_text("utf-8"), re.MULTILINE
    )
    told = {(one["name"], one["version"]) for one in bill["components"]}
    assert told == set(locked)
    assert all(one["externalReferences"][0]["hashes"] for one in bill["components"])


def test_the_daemon_s_image_holds_no_load_generator() -> None:
    assert "locust" not in (REPOSITORY / "requirements.lock").read_text("utf-8")
    assert "locust==" in (REPOSITORY / "requirements-probe.lock").read_text("utf-8")
