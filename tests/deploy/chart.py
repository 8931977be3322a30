"""The Helm chart as tests render it, and the checkout's deployment files."""

import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from ruamel.yaml import YAML

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"
CHART = DEPLOY / "helm/rightsizer"
BIN = Path(sys.executable).parent
YAML_SAFE = YAML(typ="safe")


def tool(name: str) -> ModuleType:
    """A tool of the checkout as a module."""
    loader = SourceFileLoader(name.replace("-", "_"), str(REPOSITORY / "tools" / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The real program."""
    return subprocess.run(
        [BIN / "helm", *arguments], capture_output=True, text=True, check=False, cwd=REPOSITORY
    )


def render(*options: str) -> dict[str, dict[str, Any]]:
    """Manifests by kind; those of the workers by kind and name."""
    done = helm("template", "rightsizer", CHART, "--namespace", "rightsizer", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = {}
    for document in YAML_SAFE.load_all(done.stdout):
        if document:
            kind, name = document["kind"], document["metadata"]["name"]
            found[f"{kind}/{name}" if "worker" in name else kind] = document
    return found


def pod(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The controller's pod."""
    workload = manifests.get("Deployment") or manifests["StatefulSet"]
    spec: dict[str, Any] = workload["spec"]["template"]["spec"]
    return spec


def container(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The controller's container."""
    found: dict[str, Any] = pod(manifests)["containers"][0]
    return found


def variables(manifests: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The environment that the controller is given."""
    return {one["name"]: one.get("value", "") for one in container(manifests)["env"]}
