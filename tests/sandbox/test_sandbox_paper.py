"""What docs/sandbox.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.sandbox.control_door import ControlDoor
from controller.sandbox.faults import FaultKind
from controller.sandbox.services import SERVICES

PAPER = (Path(__file__).parents[2] / "docs/sandbox.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAPER, re.MULTILINE | re.DOTALL)


def _table(heading: str) -> list[list[str]]:
    """Cells of the first table after a heading, without its head."""
    section = PAPER.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.mark.parametrize("block", BLOCKS)
def test_the_examples_run(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "docs/sandbox.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "ocr" in shown or "3008" in shown


def test_services_and_operations_are_those_that_exist() -> None:
    listed = {row[0].strip("`"): row[1] for row in _table("What there is")}
    assert set(listed) == set(SERVICES)
    for service, text in listed.items():
        if not text.startswith("see the table"):
            assert text.split(", ") == sorted(SERVICES[service])


def test_kinds_of_fault_are_those_that_exist() -> None:
    listed = [row[0].strip("`") for row in _table("Faults of requests")]
    assert listed == [kind.value for kind in FaultKind]


def test_control_requests_are_those_that_exist(world) -> None:
    text = "\n".join(row[0] for row in _table("Door 3: control"))
    listed = {(m, p) for m, p in re.findall(r"(GET|POST|DELETE) ([a-z]+)", text)}
    assert listed == set(ControlDoor(world)._routes)
