"""Durations as Go and Prometheus write them: `400ms`, `5m`, `1h30m`, `7d`.

Whole numbers with units, longest unit first. A number without a unit is refused: it is
the oldest way to be wrong by a factor of a thousand. Years and months have no fixed
length and so have no unit. The resolution is a millisecond.
"""

import re

from controller.policy.problems import SpecValueError, is_negative, out_of_range, shown

UNITS_MS = {
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
PATTERN = r"^(?=[0-9])([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
MAX_MS = 3650 * UNITS_MS["d"]

_DURATION = re.compile(PATTERN.replace("[0-9]+", "([0-9]{1,12})"))
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-zµ]+)\s*")
_SPELLINGS = {
    "ms": "msec msecs millis millisecond milliseconds",
    "s": "sec secs second seconds",
    "m": "min mins minute minutes",
    "h": "hr hrs hour hours",
    "d": "day days",
    "w": "week weeks",
}
_UNIT_OF = {word: unit for unit, words in _SPELLINGS.items() for word in (unit, *words.split())}


def parse_duration_ms(value: object, bare_unit: str = "ms") -> int:
    """Milliseconds. `bare_unit` is what a number without a unit was probably meant in.

    Raises SpecValueError with what was probably meant.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None or not value:
        raise _refused(value, bare_unit)
    numbers = match.groups()[1::2]
    total = sum(
        int(number) * unit
        for number, unit in zip(numbers, UNITS_MS.values(), strict=True)
        if number is not None
    )
    if total > MAX_MS:
        raise out_of_range(value, f"be between 0s and {format_duration_ms(MAX_MS)}")
    return total


def parse_duration_s(value: object) -> float:
    """Seconds. Raises SpecValueError with what was probably meant."""
    return parse_duration_ms(value, bare_unit="s") / 1000


def format_duration_ms(milliseconds: float) -> str:
    """The canonical form: `5400000` is `1h30m`. Weeks are written as days."""
    rest = round(milliseconds)
    parts = []
    for unit, size in UNITS_MS.items():
        count, left = divmod(rest, size)
        if count and unit != "w":
            parts.append(f"{count}{unit}")
            rest = left
    return "".join(parts) or "0s"


def format_duration_s(seconds: float) -> str:
    """The canonical form of seconds."""
    return format_duration_ms(seconds * 1000)


def _refused(value: object, bare_unit: str) -> SpecValueError:
    if is_negative(value):
        return out_of_range(value, "not be negative")
    bare = not isinstance(value, bool) and isinstance(value, (int, float, str))
    if bare and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", str(value)):
        meant = _with_unit(float(str(value)), bare_unit)
        return SpecValueError(f"{shown(value)} has no unit", f"did you mean {meant}?")
    spelt = _meant(value) if isinstance(value, str) else None
    hint = f"did you mean {spelt}?" if spelt else "write whole numbers with w, d, h, m, s or ms"
    return SpecValueError(f"{shown(value)} is not a duration", hint)


def _with_unit(number: float, bare_unit: str) -> str:
    """A latency of 400 was meant in ms and one of 0.4 in s; a pause of 5 in minutes, 300 in s."""
    if bare_unit == "ms":
        return format_duration_ms(number if number >= 10 else number * 1000)
    return format_duration_ms(number * (60_000 if 0 < number < 60 else 1000))


def _meant(text: str) -> str | None:
    """A duration spelt another way (`5 min`, `1.5h`, `30M1H`), in canonical form."""
    total, end = 0.0, 0
    for part in _PART.finditer(text.strip()):
        unit = _UNIT_OF.get(part.group(2)) or _UNIT_OF.get(part.group(2).lower())
        if part.start() != end or unit is None:
            return None
        total += float(part.group(1)) * UNITS_MS[unit]
        end = part.end()
    whole = end == len(text.strip()) and end > 0 and 0 < total <= MAX_MS and total == int(total)
    return format_duration_ms(total) if whole else None
