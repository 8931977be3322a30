"""Whether an answer is what the policy expects: errors like to hide behind a 200."""

import json
import re
from typing import Any

from controller.model.probing import Expect


def disappointment(expect: Expect | None, status: int, body: bytes) -> str | None:
    """What is wrong with an answer, in words; None where all is as expected.

    Nothing of the body is repeated: answers may be confidential.
    """
    if expect is None:
        return None if 200 <= status < 300 else f"status {status}"
    if status != expect.status if expect.status is not None else not 200 <= status < 300:
        return f"status {status}"
    if expect.contains is not None and expect.contains.encode() not in body:
        return "the expected text is not in the answer"
    text = body.decode("utf-8", errors="replace")
    if expect.matches is not None and re.search(expect.matches, text) is None:
        return "the answer does not match the expected pattern"
    absent = _absent(expect.json_has, body) if expect.json_has else None
    return None if absent is None else f"the answer has no {absent}"


def _absent(names: tuple[str, ...], body: bytes) -> str | None:
    try:
        document = json.loads(body)
    except ValueError:
        return "JSON"
    return next((name for name in names if not _has(document, name.split("."))), None)


def _has(document: Any, path: list[str]) -> bool:
    for step in path:
        if not isinstance(document, dict) or step not in document:
            return False
        document = document[step]
    return True
