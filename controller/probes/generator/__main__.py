"""Start the generator: tie it to its parent, then hand over to Locust's own command line."""

import sys
from pathlib import Path

from controller.probes.folder import ORDER
from controller.probes.generator.leash import tie
from controller.probes.order import read_order


def main(arguments: list[str]) -> None:
    """Run under the order in a folder."""
    folder = Path(arguments[0])
    order = read_order((folder / ORDER).read_text(encoding="utf-8"))
    tie(order.time_limit_s)
    here = Path(__file__).parent
    locust(
        "--locustfile", str(here / "locustfile.py"),
        "--users", "1", "--spawn-rate", "1",
        "--rightsizer-folder", str(folder),
    )  # fmt: skip


def locust(*arguments: str) -> None:
    """Locust, without its web page and its tables; only errors are logged."""
    sys.argv = [
        "locust", "--headless", "--only-summary", "--loglevel", "ERROR",
        "--exit-code-on-error", "0", *arguments,
    ]  # fmt: skip
    from locust.main import main as run

    run()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1:])
