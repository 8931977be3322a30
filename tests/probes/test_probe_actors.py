"""Who made a copy, and whether that process still lives."""

import subprocess
import sys

from controller.probes.actors import process_actor, process_is_gone


def test_a_process_is_gone_when_it_has_ended() -> None:
    told = "import sys; sys.path.insert(0, '.'); from controller.probes.actors import *;"
    actor = subprocess.run(
        [sys.executable, "-c", f"{told} print(process_actor('cli:ann'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert actor.startswith("cli:ann@")
    assert process_is_gone(actor)


def test_what_cannot_be_known_counts_as_living() -> None:
    assert not process_is_gone(process_actor("cli:ann"))
    assert not process_is_gone("controller")
    assert not process_is_gone("cli:ann@elsewhere#4711")
