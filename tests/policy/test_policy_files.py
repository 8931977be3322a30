"""Which files are read: directories, links, ConfigMaps, and what cannot be read."""

import os
from pathlib import Path

import pytest
from policy_texts import POLICY, policy, refused_file

from controller.policy import load
from controller.policy.files import read_sources


def names(*paths: Path) -> list[str]:
    return [item.name for item in load(list(paths)).policies]


def write(path: Path, name: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(policy(name, f"name: {name}"), "utf-8")
    return path


def test_a_directory_is_read_with_everything_below(tmp_path: Path) -> None:
    write(tmp_path / "b.yaml", "b")
    write(tmp_path / "deep/er/a.yml", "a")
    write(tmp_path / ".hidden.yaml", "hidden")
    write(tmp_path / ".git/x.yaml", "git")
    write(tmp_path / "notes.txt", "notes")
    assert names(tmp_path) == ["a", "b"]


def test_a_file_named_by_hand_may_have_any_name(tmp_path: Path) -> None:
    assert names(write(tmp_path / ".policy.conf", "x")) == ["x"]


def test_a_mounted_config_map_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "..2026_11_02/a.yaml", "a")
    write(tmp_path / "..2026_11_02/sub/b.yaml", "b")
    os.symlink("..2026_11_02", tmp_path / "..data")
    os.symlink("..data/a.yaml", tmp_path / "a.yaml")
    os.symlink("..data/sub", tmp_path / "sub")
    assert names(tmp_path) == ["a", "b"]
    assert load([tmp_path]).policies[0].source.file == str(tmp_path / "a.yaml")


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.yaml", "a")
    os.symlink(file, tmp_path / "link.yaml")
    assert names(file, tmp_path, file) == ["a"]


def test_links_in_circles_end(tmp_path: Path) -> None:
    write(tmp_path / "d/a.yaml", "a")
    os.symlink(tmp_path, tmp_path / "d/loop")
    assert names(tmp_path) == ["a"]


def test_a_directory_without_policies_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text("{}")
    assert refused_file(tmp_path) == [
        f"{tmp_path}: no policy files here: looked for *.yaml and *.yml in it and below, "
        "skipping names that begin with a dot"
    ]


def test_what_is_not_there_or_dangles(tmp_path: Path) -> None:
    os.symlink("gone", tmp_path / "a.yaml")
    assert refused_file(tmp_path, tmp_path / "no.yaml") == [
        f"{tmp_path}/a.yaml: no such file or directory",
        f"{tmp_path}/no.yaml: no such file or directory",
    ]


def test_no_paths_at_all() -> None:
    assert [str(problem) for problem in read_sources([]).problems] == [
        "policies: no file or directory was given"
    ]


def test_a_nul_in_a_path() -> None:
    assert "NUL character" in str(read_sources(["a\0b"]).problems[0])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    closed = write(tmp_path / "a.yaml", "a")
    closed.chmod(0)
    (tmp_path / "d").mkdir(mode=0)
    assert refused_file(tmp_path) == [
        f"{tmp_path}/a.yaml: permission denied",
        f"{tmp_path}/d: permission denied",
    ]


def test_a_pipe_in_a_directory_does_not_stop_anything(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    write(tmp_path / "a.yaml", "a")
    assert names(tmp_path) == ["a"]


def test_a_directory_called_like_a_file(tmp_path: Path) -> None:
    write(tmp_path / "d.yaml/a.yaml", "a")
    assert names(tmp_path) == ["a"]


def test_file_names_that_are_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.yaml"
    try:
        with open(path, "wb") as file:
            file.write(POLICY.encode() + b"  mod: Off\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    said = refused_file(tmp_path)
    assert said == [f'{tmp_path}/caf\ufffd.yaml:7:3: spec.mod: unknown field; did you mean "mode"?']
