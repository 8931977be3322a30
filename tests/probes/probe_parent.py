"""A program that starts a probe and waits: the parent that a test kills.

    python probe_parent.py FOLDER PORT

It prints the generator's process id, then `over` and the outcome when the run has ended.
"""

import sys
from pathlib import Path

from generators import finished, plan, runner

from controller.model.probing import Phase


def main(folder: Path, port: int) -> None:
    """One probe of three seconds after two slow requests of warm-up."""
    generator = runner(folder, port)
    generator.start("a", plan(Phase(20.0, 20.0, 3.0)))
    sys.stdout.write(f"{generator._runs['a'].process.pid}\n")
    sys.stdout.flush()
    sys.stdin.readline()
    run = finished(generator, "a")
    lost = " (lost)" if run.lost else ""
    sys.stdout.write(f"over {run.outcome.value}: {run.detail}{lost}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
