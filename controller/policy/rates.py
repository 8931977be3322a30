"""Rates of requests: `5/s`, `30/min`, `120/h`."""

import math
import re
from decimal import Decimal

from controller.policy.problems import SpecValueError, is_negative, out_of_range, shown

RATE_PATTERN = r"^[0-9]+(\.[0-9]+)?/(s|min|h)$"
MOST_RPS = 100_000.0
_MUST = "be more than 0 and at most 100,000/s"

_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)/(s|min|h)")
_LOOSE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(?:(?:/|per)?\s*([a-z]*)|rps|tps)")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_WORDS = {
    "": "s", "s": "s", "sec": "s", "second": "s", "rps": "s", "tps": "s",
    "m": "min", "min": "min", "minute": "min", "rpm": "min", "h": "h", "hour": "h",
}  # fmt: skip


def parse_rate_rps(value: object) -> float:
    """Requests a second. Raises SpecValueError with what was probably meant."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _refused(value)
    rps = _rps(match.group(1), match.group(2))
    if not 0 < rps <= MOST_RPS:
        raise out_of_range(value, _MUST)
    return rps


def format_rate_rps(rps: float) -> str:
    """In the largest unit of a second, minute or hour that says it exactly."""
    for unit, seconds in _SECONDS.items():
        text = f"{round(Decimal(rps) * seconds, 6).normalize():f}"
        if math.isclose(_rps(text, unit), rps, rel_tol=1e-9):
            return f"{text}/{unit}"
    return f"{round(Decimal(rps), 6).normalize():f}/s"


def _rps(number: str, unit: str) -> float:
    return float(Decimal(number) / _SECONDS[unit])


def _refused(value: object) -> SpecValueError:
    if is_negative(value):
        return out_of_range(value, _MUST)
    text = "" if isinstance(value, bool) else str(value).strip().lower()
    match = _LOOSE.fullmatch(text)
    unit = None if match is None else _WORDS.get(match.group(2) or "")
    hint = f"did you mean {match.group(1)}/{unit}?" if match and unit else "write it as 5/s"
    return SpecValueError(f"{shown(value)} is not a rate", hint)
