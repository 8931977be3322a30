"""Hot reload: the last good set stays until a better one has been read whole."""

import io
import os
from pathlib import Path

import pytest
from policy_texts import POLICY, policy

from controller.policy import PolicyInvalid, PolicyWatch, load


def test_the_first_poll_reads_and_the_next_ones_are_quiet(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POLICY)
    watch = PolicyWatch([tmp_path])
    assert (watch.current, watch.digest, watch.last_success_s) == (None, None, None)
    first = watch.poll(100.0)
    assert first is not None
    assert first == watch.current
    assert watch.digest == first.digest == load([tmp_path]).digest
    assert watch.poll(160.0) is None
    assert (watch.last_success_s, watch.last_attempt_s) == (160.0, 160.0)
    assert watch.healthy


def test_a_broken_edit_leaves_the_last_good_set_in_force(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(POLICY)
    watch = PolicyWatch([tmp_path])
    good = watch.poll(1.0)
    file.write_text(POLICY + "  mod: Off\n")
    assert watch.poll(2.0) is None
    assert watch.current == good
    assert [problem.path for problem in watch.problems] == ["spec.mod"]
    assert not watch.healthy
    assert watch.poll(3.0) is None
    assert watch.problems
    assert (watch.last_success_s, watch.last_attempt_s) == (1.0, 3.0)
    file.write_text(POLICY + "  mode: Off\n")
    mended = watch.poll(4.0)
    assert mended is not None
    assert mended.digest != good.digest if good else False
    assert (watch.problems, watch.last_success_s) == ((), 4.0)


def test_going_back_to_the_set_in_force_is_no_change(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(POLICY)
    watch = PolicyWatch([tmp_path])
    watch.poll(1.0)
    file.write_text("[")
    watch.poll(2.0)
    file.write_text(POLICY)
    assert watch.poll(3.0) is None
    assert watch.healthy


def test_edits_within_one_tick_of_the_files_clock_are_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(POLICY)
    stamp = file.stat()
    watch = PolicyWatch([tmp_path])
    watch.poll(1.0)
    file.write_text(POLICY.replace("400ms", "500ms"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    changed = watch.poll(2.0)
    assert changed is not None
    assert changed.policies[0].slo.threshold_ms == 500.0


def test_comments_and_moves_are_no_change_but_new_positions_are_known(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(POLICY)
    watch = PolicyWatch([tmp_path])
    watch.poll(1.0)
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "b.yaml").write_text("# moved\n" + POLICY)
    assert watch.poll(2.0) is None
    assert watch.current is not None
    assert str(watch.current.policies[0].source) == f"{tmp_path}/b.yaml:2:1"


def test_a_config_map_is_swapped_whole(tmp_path: Path) -> None:
    for name, content in (("..1", POLICY), ("..2", policy("new", "name: new"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(content)
    os.symlink("..1", tmp_path / "..data")
    os.symlink("..data/a.yaml", tmp_path / "a.yaml")
    watch = PolicyWatch([tmp_path])
    watch.poll(1.0)
    os.symlink("..2", tmp_path / "..next")
    os.replace(tmp_path / "..next", tmp_path / "..data")
    changed = watch.poll(2.0)
    assert changed is not None
    assert [item.name for item in changed.policies] == ["new"]


def test_an_emptied_or_vanished_directory_is_an_error_and_not_an_empty_set(
    tmp_path: Path,
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.yaml").write_text(POLICY)
    watch = PolicyWatch([tmp_path / "d"])
    good = watch.poll(1.0)
    (tmp_path / "d/a.yaml").unlink()
    assert watch.poll(2.0) is None
    (tmp_path / "d").rmdir()
    assert watch.poll(3.0) is None
    assert "no such file or directory" in str(watch.problems[0])
    assert watch.current == good


def test_a_set_that_was_never_good(tmp_path: Path) -> None:
    watch = PolicyWatch([tmp_path / "none"])
    assert watch.poll(1.0) is None
    assert (watch.current, watch.digest, watch.last_success_s) == (None, None, None)
    assert not watch.healthy


def test_warnings_are_kept_beside_the_set(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(policy("a", "name: a, qualifier: latest"))
    watch = PolicyWatch([tmp_path])
    watch.poll(1.0)
    assert [warning.path for warning in watch.warnings] == ["spec.target.qualifier"]
    assert watch.healthy


def test_standard_input_cannot_be_watched() -> None:
    with pytest.raises(PolicyInvalid, match="standard input cannot be watched"):
        PolicyWatch(["-"])
    assert load(["-"], io.StringIO(POLICY)).policies


def test_a_repository_s_copy_is_followed_through_its_link(tmp_path: Path) -> None:
    """git-sync: `current` points to a folder of the commit, and is replaced as one."""
    for commit, content in (("a1", POLICY), ("b2", policy("new", "name: new"))):
        (tmp_path / ".worktrees" / commit / "policies").mkdir(parents=True)
        (tmp_path / ".worktrees" / commit / "policies/a.yaml").write_text(content)
    os.symlink(".worktrees/a1", tmp_path / "current")
    watch = PolicyWatch([tmp_path / "current/policies"])
    assert watch.poll(1.0) is not None
    os.symlink(".worktrees/b2", tmp_path / "next")
    os.replace(tmp_path / "next", tmp_path / "current")
    changed = watch.poll(2.0)
    assert changed is not None
    assert [item.name for item in changed.policies] == ["new"]
