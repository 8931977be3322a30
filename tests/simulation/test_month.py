"""Days of the demo account under virtual time, twice: the same journal for the same seed.

A whole month, and how long it takes, is `python -m bench.simulated_month`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _start(days: int, seed: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.simulated_month", "--days", str(days)]
    return subprocess.Popen(
        [*command, "--seed", str(seed)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _end(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(out)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_seed_gives_the_same_journal_and_it_comes_to_rest() -> None:
    twins = [_start(12, 7), _start(12, 7)]
    first, second = (_end(process) for process in twins)
    assert first["journalSha256"] == second["journalSha256"]
    assert first["changes"] == second["changes"]
    assert 3 <= len(first["changes"]) <= 20, "a small account is a calm one"


@pytest.mark.slow
def test_another_seed_gives_another_journal() -> None:
    twins = [_start(1, 1), _start(1, 2)]
    first, second = (_end(process) for process in twins)
    assert first["journalSha256"] != second["journalSha256"]
