"""The dashboards of deploy/grafana, and the expressions in them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
DASHBOARDS = tuple(sorted((REPOSITORY / "deploy/grafana").glob("*.json")))
_BUILT_IN = {"__rate_interval": "15m", "__range": "24h", "__interval": "1m"}


def dashboard(path: Path) -> dict[str, Any]:
    """One of them."""
    return dict(json.loads(path.read_text("utf-8")))


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel but rows."""
    yield from (panel for panel in board["panels"] if panel["type"] != "row")


def expressions(board: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(where, expression) of panels and annotations, every variable standing for all."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel["title"], filled(target["expr"])
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["name"], filled(annotation["expr"])


def filled(expr: str) -> str:
    """Without Grafana's variables."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: _BUILT_IN.get(found[1], ".*"), expr)
