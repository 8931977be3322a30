"""Setting up on a machine that is not ours: the right Python is found, or the reason said."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sources import REPOSITORY

SHIM = "#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127\n"
REAL = f'#!/bin/sh\nexec {sys.executable} "$@"\n'
WITHOUT_VENV = f'#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n'


def find_python(folder: Path, scripts: dict[str, str], **env: str) -> tuple[int, str, str]:
    """Run the tool on a PATH that holds these scripts and what a shell script needs."""
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    done = subprocess.run(
        [REPOSITORY / "tools/find-python"],
        env={**os.environ, "PATH": str(folder), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def test_a_shim_without_a_python_behind_it_is_passed_over(tmp_path: Path) -> None:
    code, found, _ = find_python(tmp_path, {"python3.13": SHIM, "python3.12": REAL})
    assert (code, found) == (0, str(tmp_path / "python3.12"))


def test_the_one_asked_for_is_taken(tmp_path: Path) -> None:
    scripts = {"python3.12": REAL, "mine": REAL}
    assert find_python(tmp_path, scripts, PYTHON="mine")[:2] == (0, str(tmp_path / "mine"))


def test_no_python_that_suits_is_one_clear_sentence(tmp_path: Path) -> None:
    code, found, said = find_python(tmp_path, {"python3": SHIM})
    assert (code, found) == (1, "")
    assert len(said.splitlines()) == 1
    assert "needs Python 3.11, 3.12 or 3.13" in said


def test_a_python_without_venv_names_the_package(tmp_path: Path) -> None:
    code, _, said = find_python(tmp_path, {"python3": WITHOUT_VENV})
    assert code == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install python{version}-venv" in said


VERSION = "#!/bin/sh\necho 'Python {}'\n"


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(("asked", "anew"), [("3.12.1", True), ("3.11.7", False), (None, False)])
def test_another_python_means_another_venv(tmp_path: Path, asked: str | None, anew: bool) -> None:
    (tmp_path / "Makefile").write_text((REPOSITORY / "Makefile").read_text())
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for lock in ("", "-build", "-dev"):
        (tmp_path / f"requirements{lock}.lock").touch()
    (tmp_path / "pyproject.toml").touch()
    for name, version in ((".venv/bin/python", "3.11.7"), ("mine", asked or "")):
        (tmp_path / name).write_text(VERSION.format(version))
        (tmp_path / name).chmod(0o755)
    for stamp in ("run", "dev"):
        (tmp_path / f".venv/installed-{stamp}").touch()
    wanted = [] if asked is None else ["PYTHON=./mine"]
    done = subprocess.run(
        ["make", "--dry-run", "setup", *wanted],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k not in {"PYTHON", "MAKEFLAGS"}},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("make-venv" in done.stdout) is anew


@pytest.mark.parametrize(
    ("tool", "programs"), [("monitoring", ("promtool", "amtool")), ("browser", ("chromium",))]
)
def test_what_is_installed_is_not_fetched(
    tmp_path: Path, tool: str, programs: tuple[str, ...]
) -> None:
    for name in programs:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [REPOSITORY / "tools" / tool],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ":".join(str(tmp_path) for _ in programs)
    assert not (tmp_path / ".tools").exists()


def browser(folder: Path, user: int) -> tuple[str, str]:
    """What the tool prints and says where there is none yet, and `apt-get` puts one there."""
    bin_ = folder / "bin"
    bin_.mkdir()
    apt = f"""#!/bin/sh
case "$*" in *"install chromium") ;; *) exit 0 ;; esac
[ -e lists ] || {{ touch lists; exit 100; }}
printf '#!/bin/sh\n' >{bin_}/chromium; chmod +x {bin_}/chromium
"""
    for name, text in {"id": f"#!/bin/sh\necho {user}\n", "apt-get": apt}.items():
        (bin_ / name).write_text(text)
        (bin_ / name).chmod(0o755)
    for name in ("sh", "dirname", "mkdir", "touch", "chmod", "printf"):
        (bin_ / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    done = subprocess.run(
        [REPOSITORY / "tools/browser"],
        cwd=folder,
        env={"PATH": str(bin_)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr


def test_a_browser_that_may_not_be_installed_is_said_to_be_missing(tmp_path: Path) -> None:
    found, said = browser(tmp_path, user=1000)
    assert "not tried in a browser" in said
    assert "apt-get install chromium" in said
    assert found == "/usr/bin"


def test_root_installs_it_with_new_package_lists_if_need_be(tmp_path: Path) -> None:
    assert browser(tmp_path, user=0) == (str(tmp_path / "bin"), "")
