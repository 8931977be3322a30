"""What the picture of the memory search's frontier says."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.frontier import OURS, draw, frontier, methods

NUMBERS = st.integers(0, 12).map(float)


def trial(method: str, calls: int, regret: float, objective: str = "slo", **more: Any) -> Any:
    known = {"method": method, "calls": calls, "repaired_regret": regret, "objective": objective}
    return {**known, "violates": False, **more}


def run(trials: list[Any], noise: str = "std", changed: Any = ()) -> Any:
    world = {"noise": noise, "truth": "smooth", "changed": changed}
    return {"world": world, "trials": trials}


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=12))
def test_the_frontier_is_what_nothing_betters(points: list[tuple[float, float]]) -> None:
    found = frontier(points)
    for x, y in points:
        bettered = any(a <= x and b <= y and (a, b) != (x, y) for a, b in points)
        assert ((x, y) in found) == (not bettered)
    assert found == sorted(found)


def test_a_method_is_its_median_and_its_ninetieth_percentile() -> None:
    every = [trial("peer", calls, calls / 1000.0, violates=calls > 90) for calls in range(101)]
    (peer,) = methods([run([*every, trial("peer", 7, 0.5, "cheapest")])], "slo")
    assert (peer.calls, peer.trials) == ((50.0, 90.0), 101)
    assert peer.regret == pytest.approx((5.0, 9.0))
    assert peer.over == pytest.approx(100.0 * 10 / 101)


def test_other_rules_of_ours_are_marks_of_their_own_and_peers_are_shown_once() -> None:
    usual = run([trial("peer", 30, 0.1), trial(OURS, 10, 0.1)])
    other = run([trial("peer", 31, 0.1), trial(OURS, 20, 0.05)], changed=[["harm", 0.02]])
    found = methods([usual, other], "slo")
    assert [(m.name, m.ours) for m in found] == [
        ("peer", False), (OURS, True), (f"{OURS}, harm 0.02", True),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="different worlds"):
        methods([usual, run([trial(OURS, 1, 0.0)], noise="wild")], "slo")


def test_the_picture_names_every_method_and_is_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    trials = [trial(OURS, 10, 0.01), trial("peer", 300, 0.02), trial(OURS, 20, 0.0, "cheapest")]
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, second):
        draw([run(trials)], path)
    assert first.read_bytes() == second.read_bytes()
    assert ET.fromstring(first.read_text()).tag.endswith("svg")
    words = first.read_text()
    for text in (OURS, "peer", "exploration calls", "bill over the least, %"):
        assert f"<!-- {text} -->" in words


def test_runs_without_trials_are_refused_in_a_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "run.json"
    empty.write_text(json.dumps(run([])))
    asked = [sys.executable, "-m", "bench.frontier", str(empty), "--out", str(tmp_path / "x.svg")]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, (tmp_path / "x.svg").exists()) == (2, False)
    assert "the runs hold no trials" in done.stderr
