"""The folder that the generator shares with whoever started it.

`order.json` is there from the start; `progress.json` is replaced once a second; `result.json`
appears once, whole, when the run is over.
"""

import os
from pathlib import Path

ORDER = "order.json"
PROGRESS = "progress.json"
RESULT = "result.json"
LOG = "generator.log"
HELD = "held"
"""Locked for as long as whoever made the folder lives."""


def put(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    os.replace(draft, path)
