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


def _start(days: int, seed: int, *digests: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.simulated_month", "--days", str(days)]
    also = ["--digests", *map(str, digests)] if digests else []
    return subprocess.Popen(
        [*command, "--seed", str(seed), *also], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _end(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(out)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_seed_gives_the_same_journal_and_it_comes_to_rest() -> None:
    """All that is changed is changed in the first days; then one twin goes on."""
    lives = [_start(10, 7, 1, 6), _start(6, 7), _start(1, 8)]
    whole, twin, other = (_end(process) for process in lives)
    assert whole["journalSha256AfterDays"]["6"] == twin["journalSha256"]
    assert whole["changes"][: len(twin["changes"])] == twin["changes"]
    assert len(twin["changes"]) >= 3, "there is something to compare"
    assert len(whole["changes"]) <= 20, "a small account is a calm one"
    assert whole["journalSha256AfterDays"]["1"] != other["journalSha256"], "another seed"
