"""Facts above a table: beside their titles on a terminal, on one line elsewhere."""

import pytest
from cli_shell import Stream

from controller.cli.output import show_facts
from controller.cli.session import Session
from controller.clock import SystemClock
from controller.settings import Environment

LONG = "1-4 x ml.c5.large at 1500/min (Stable, 1 instance running), and what else is to be said"


def _shown(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("COLUMNS", "40")
    out, clock = Stream(terminal=terminal), SystemClock()
    session = Session(
        Environment({}), clock, lambda _: None, Stream(), out, Stream(terminal=terminal)
    )
    show_facts(session, [("Size", LONG), ("Policy", "short")])
    return out.getvalue().splitlines()


def test_on_a_terminal_no_word_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    *size, policy = _shown(True, monkeypatch)
    assert len(size) > 2
    assert all(len(line) <= 40 for line in size)
    assert all(line.startswith(" " * 11) for line in size[1:])
    assert " ".join(line.strip() for line in size).split()[1:] == LONG.split()
    assert policy == "Policy:    short"


def test_elsewhere_a_fact_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _shown(False, monkeypatch) == [f"Size:      {LONG}", "Policy:    short"]
