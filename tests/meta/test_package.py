"""The wheel holds what the program needs, and the lock files what the project asks for."""

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from sources import REPOSITORY

import controller

PYPROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
LOCKS = (
    "requirements.lock",
    "requirements-build.lock",
    "requirements-probe.lock",
    "requirements-dev.lock",
)
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\]+?))?(?P<more> \\)?$"
)


def pins(lock: str) -> dict[str, list[tuple[Version, str | None]]]:
    """Pinned versions by name, each with the marker under which it holds."""
    found: dict[str, list[tuple[Version, str | None]]] = {}
    lines = (REPOSITORY / lock).read_text("utf-8").splitlines()
    for line in lines:
        assert "://" not in line, f"{lock} names an index: {line}"
        if line and line[0] not in " #":
            match = PIN.match(line)
            assert match, f"{lock}: {line!r} is not a pin"
            assert match["more"], f"{lock}: {match['name']} has no hash"
            held = found.setdefault(canonicalize_name(match["name"]), [])
            held.append((Version(match["version"]), match["marker"]))
    return found


def group(name: str) -> list[Requirement]:
    """A dependency group with the groups it includes."""
    wanted: list[Requirement] = []
    for item in PYPROJECT["dependency-groups"][name]:
        if isinstance(item, str):
            wanted.append(Requirement(item))
        else:
            wanted.extend(group(item["include-group"]))
    return wanted


RUN = [Requirement(text) for text in PYPROJECT["project"]["dependencies"]]
EXTRAS = {
    name: [Requirement(text) for text in texts]
    for name, texts in PYPROJECT["project"]["optional-dependencies"].items()
}
ALL_EXTRAS = [requirement for wanted in EXTRAS.values() for requirement in wanted]


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", RUN),
        ("requirements-build.lock", group("build")),
        ("requirements-probe.lock", [*RUN, *EXTRAS["probe"], *EXTRAS["sandbox"]]),
        ("requirements-dev.lock", [*RUN, *ALL_EXTRAS, *group("dev")]),
    ],
)
def test_lock_satisfies_what_the_project_asks_for(lock: str, wanted: list[Requirement]) -> None:
    held = pins(lock)
    for requirement in wanted:
        versions = held.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement.name} is not in {lock}: run `make lock`"
        for version, _ in versions:
            assert version in requirement.specifier, f"{lock}: {requirement} but {version}"


def test_nothing_is_locked_that_nobody_asks_for() -> None:
    """The lock file says who asked for each package; a name dropped here must go there too."""
    direct = set()
    name = ""
    for line in (REPOSITORY / "requirements.lock").read_text("utf-8").splitlines():
        name = line.partition("==")[0] if line[:1].isalnum() else name
        if "(pyproject.toml)" in line:
            direct.add(canonicalize_name(name))
    assert direct == {canonicalize_name(requirement.name) for requirement in RUN}


def test_load_tests_are_no_part_of_the_core() -> None:
    assert {requirement.name for requirement in EXTRAS["probe"]} == {"locust"}
    for lock in ("requirements.lock", "requirements-build.lock"):
        assert not {"locust", "gevent", "flask"} & set(pins(lock)), lock
    assert "locust" in pins("requirements-probe.lock")


def test_readme_installs_only_extras_that_there_are() -> None:
    named = re.findall(
        r"rightsizer\[([\w,-]+)\]", (REPOSITORY / "README.md").read_text(encoding="utf-8")
    )
    assert named
    assert {extra for names in named for extra in names.split(",")} <= set(EXTRAS)


def test_running_and_developing_use_the_same_versions() -> None:
    developing = pins("requirements-dev.lock")
    for lock in LOCKS[:-1]:
        for name, versions in pins(lock).items():
            # where a package is needed at all may differ: tools ask for it on more platforms
            assert {v for v, _ in versions} <= {v for v, _ in developing[name]}, name


def test_what_is_installed_is_what_is_locked() -> None:
    for name, versions in pins("requirements.lock").items():
        here = [v for v, marker in versions if marker is None or Marker(marker).evaluate()]
        assert [Version(metadata.version(name))] == here, f"{name}: run `make setup`"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, REPOSITORY],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_holds_the_package_and_its_data(wheel: Path) -> None:
    assert wheel.name == f"rightsizer-{controller.__version__}-py3-none-any.whl"
    held = set(zipfile.ZipFile(wheel).namelist())
    package = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "controller").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "controller/py.typed" in package
    assert package <= held
    others = {name for name in held if not name.startswith(("controller/", "rightsizer-"))}
    assert not others, "the wheel installs files outside its own package"


def test_wheel_carries_licence_and_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = f"rightsizer-{controller.__version__}.dist-info"
        assert "Apache License" in archive.read(f"{info}/licenses/LICENSE").decode()
        scripts = archive.read(f"{info}/entry_points.txt").decode()
    assert "rightsizer = controller.cli.entry:main" in scripts
