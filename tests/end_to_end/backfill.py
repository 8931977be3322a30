"""A Prometheus that has scraped a demo: its history is put in at once."""

import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from monitoring import Daemon, free_port

LABELS = 'job="rightsizer",instance="127.0.0.1:9797"'
LINE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")


def stamped(page: str, at_s: float) -> list[str]:
    """The samples of a scrape as a Prometheus keeps them: with its labels, and when."""
    found = (LINE.match(line) for line in page.splitlines() if not line.startswith("#"))
    return [
        f"{one[1]}{{{LABELS}{',' + one[2] if one[2] else ''}}} {one[3]} {at_s:.3f}"
        for one in found
        if one is not None
    ]


class Backfilled(Daemon):
    """A Prometheus on blocks made from samples."""

    def __init__(self, program: str, promtool: str, folder: Path, samples: Sequence[str]) -> None:
        text, blocks, config = (folder / x for x in ("samples.txt", "blocks", "prometheus.yml"))
        text.write_text("\n".join([*samples, "# EOF", ""]), "utf-8")
        config.write_text("{}", "utf-8")
        done = subprocess.run(
            [promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(blocks)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.address = f"127.0.0.1:{free_port()}"
        arguments = [
            program,
            f"--config.file={config}",
            f"--web.listen-address={self.address}",
            f"--storage.tsdb.path={blocks}",
            "--storage.tsdb.retention.time=100y",
        ]
        super().__init__(arguments, folder / "prometheus.log")
        self.ready(f"http://{self.address}/-/ready")

    def series(self, expr: str, start_s: float, end_s: float) -> list[dict[str, Any]]:
        """What a panel shows over a span."""
        asked = {"query": expr, "start": start_s, "end": end_s, "step": 60}
        url = f"http://{self.address}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return list(json.load(answer)["data"]["result"])
