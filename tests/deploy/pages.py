"""Follows a page: its shell commands run in order, as they stand, with stand-ins where there is
neither AWS nor a cluster.

`helm install` renders instead, `aws iam` asks an emulated IAM, Terraform gets the provider from a
mirror and an emulated AWS; what cannot be run at all is only written down.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chart import BIN, REPOSITORY

STAND_IN = """\
#!{python}
import json, os, subprocess, sys
name, args = os.path.basename(sys.argv[0]), sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps([name, *args]) + "\\n")
if name == "helm":
    args = ["template" if one == "install" else one for one in args]
    with open("rendered.yaml", "w") as out:
        sys.exit(subprocess.call([{helm!r}, *args], stdout=out))
if name == "terraform":
    extra = ["-input=false", "-no-color"] + (["-auto-approve"] if "apply" in args else [])
    sys.exit(subprocess.call([{terraform!r}, *args, *extra]))
if name == "aws" and args[0] == "iam":
    import boto3
    words = args[2:]
    given = {{}}
    for option, value in zip(words[::2], words[1::2], strict=True):
        if value.startswith("file://"):
            value = open(value.removeprefix("file://")).read()
        given["".join(part.title() for part in option.removeprefix("--").split("-"))] = value
    client = boto3.client("iam", endpoint_url=os.environ["EMULATED_AWS"], region_name="eu-west-1")
    getattr(client, args[1].replace("-", "_"))(**given)
"""
NOT_RUN = ("make", "docker", "kubectl")


@dataclass(frozen=True)
class Page:
    """One page in a folder in which its commands run."""

    name: str
    folder: Path
    env: dict[str, str]

    @property
    def blocks(self) -> list[str]:
        """Its blocks of shell commands, in order."""
        text = (REPOSITORY / "docs/install" / self.name).read_text("utf-8")
        return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)

    def follow(self, block: str) -> str:
        """Run one block; returns stdout. Its first failing command fails."""
        done = subprocess.run(
            ["sh", "-eu", "-c", block], cwd=self.folder, env=self.env,
            capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
        return done.stdout

    @property
    def called(self) -> list[list[str]]:
        """Calls of stand-ins, in order."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def page(name: str, folder: Path, **env: str) -> Page:
    """A page, with the checkout's files and the stand-ins in place."""
    for shared in ("deploy", "policies", "tools"):
        (folder / shared).symlink_to(REPOSITORY / shared)
    programs = folder / "bin"
    programs.mkdir()
    text = STAND_IN.format(
        python=sys.executable, log=str(folder / "calls.jsonl"), helm=str(BIN / "helm"),
        terraform=shutil.which("terraform") or "terraform",
    )  # fmt: skip
    for program in (*NOT_RUN, "aws", "helm", "terraform"):
        (programs / program).write_text(text, "utf-8")
        (programs / program).chmod(0o755)
    path = f"{programs}:{BIN}:{os.environ['PATH']}"
    keys = {"AWS_ACCESS_KEY_ID": "AKIA123456789012TEST", "AWS_SECRET_ACCESS_KEY": "secret"}
    inherited = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return Page(name, folder, {**inherited, **keys, "PATH": path, "AWS_REGION": "eu-west-1", **env})
