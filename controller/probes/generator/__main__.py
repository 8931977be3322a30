"""Start the generator: tie it to its parent, then hand over to Locust's own command line.

python -m controller.probes.generator FOLDER                     one process
python -m controller.probes.generator FOLDER WORKERS HOST PORT   the master of so many workers
python -m controller.probes.generator worker HOST [PORT]         one of them
"""

import sys
from pathlib import Path

from controller.clock import SystemClock
from controller.probes.folder import ORDER
from controller.probes.generator.leash import tie
from controller.probes.order import Order, read_order

_MARGIN_S = 2.0
"""Before the time limit, for a run of the user's own to be put away."""
_WORKERS_PATIENCE_S = "60"


def main(arguments: list[str]) -> None:
    """As one process, master or worker."""
    shipped = str(Path(__file__).parent / "locustfile.py")
    if arguments[0] == "worker":
        port = arguments[2] if len(arguments) > 2 else "5557"
        where = ("--master-host", arguments[1], "--master-port", port)
        _locust("--worker", "--locustfile", shipped, *where)
        return
    folder = Path(arguments[0])
    order = read_order((folder / ORDER).read_text(encoding="utf-8"))
    tie(order.time_limit_s)
    if order.locustfile is not None:
        _foreign(folder, order, order.locustfile)
        return
    crew = arguments[1:]
    _locust(
        "--locustfile", shipped, "--rightsizer-folder", str(folder),
        *_users(int(crew[0]) if crew else 1), *(_master(*crew) if crew else ()),
    )  # fmt: skip


def _master(workers: str, host: str, port: str) -> tuple[str, ...]:
    return (
        "--master", "--expect-workers", workers,
        "--expect-workers-max-wait", _WORKERS_PATIENCE_S,
        "--master-bind-host", host, "--master-bind-port", port,
    )  # fmt: skip


def _users(count: int) -> tuple[str, ...]:
    return ("--users", str(count), "--spawn-rate", str(count))


def _foreign(folder: Path, order: Order, file: str) -> None:
    import locust

    from controller.probes.generator.foreign import Listener

    Listener(folder, order, SystemClock()).listen(locust.events)
    length_s = order.time_limit_s - _MARGIN_S
    if order.duration_s > 0:
        length_s = min(length_s, order.duration_s)
    _locust(
        "--locustfile", file, "--run-time", f"{max(1, round(length_s))}s",
        *_users(order.max_in_flight),
    )  # fmt: skip


def _locust(*arguments: str) -> None:
    """Locust, without its web page and its tables; only errors are logged."""
    sys.argv = [
        "locust", "--headless", "--only-summary", "--loglevel", "ERROR",
        "--exit-code-on-error", "0", *arguments,
    ]  # fmt: skip
    from locust.main import main as run

    run()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1:])
