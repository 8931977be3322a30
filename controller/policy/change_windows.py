"""Days, times of day and time zones of change windows."""

import re
from zoneinfo import ZoneInfo, available_timezones

from controller.policy.problems import SpecValueError, did_you_mean, out_of_range, shown

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TIME_PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
UTC = "UTC"

_RELATIVE = frozenset({"localtime", "posixrules", "Factory"})
"""Files of the database whose meaning depends on the machine."""

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}")


def parse_day(value: object) -> int:
    """0 for Mon … 6 for Sun."""
    if isinstance(value, str):
        if value in DAYS:
            return DAYS.index(value)
        for day in DAYS:
            if value[:3].lower() == day.lower() and value.isalpha():
                raise SpecValueError(f"{shown(value)} is not a day", f'did you mean "{day}"?')
        if re.fullmatch(r"[A-Za-z]{2,9}\s*(-|–|\.\.)\s*[A-Za-z]{2,9}", value):
            raise SpecValueError(
                f"{shown(value)} is not a day", "list each day: [Mon, Tue, Wed, Thu, Fri]"
            )
    raise SpecValueError(f"{shown(value)} is not a day", f"write one of {', '.join(DAYS)}")


def parse_time(value: object) -> int:
    """Minutes after midnight; `24:00` is the midnight that ends the day, 1440."""
    match = re.fullmatch(r"([0-9]{2}):([0-9]{2})", value) if isinstance(value, str) else None
    if match is None:
        raise SpecValueError(f"{shown(value)} is not a time of day", _time_hint(value))
    minutes = int(match.group(1)) * 60 + int(match.group(2))
    if int(match.group(2)) > 59 or minutes > 1440:
        raise out_of_range(value, "be between 00:00 and 24:00")
    return minutes


def _time_hint(value: object) -> str:
    match = re.fullmatch(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))?(?::00)?\s*([AaPp][Mm])?", str(value))
    if match is None or int(match.group(1)) > 24:
        return 'write it as "09:00"'
    hour, minute, half = int(match.group(1)), int(match.group(2) or 0), (match.group(3) or "")
    if half.lower() == "pm" and hour < 12:
        hour += 12
    return f'did you mean "{hour:02}:{minute:02}"?'


def format_time(minutes: int) -> str:
    """`09:00`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def parse_timezone(value: object) -> str:
    """An IANA name that this machine knows, such as `Europe/Berlin`."""
    if not isinstance(value, str) or not _ZONE.fullmatch(value):
        raise SpecValueError(f"{shown(value)} is not a time zone", 'write it as "Europe/Berlin"')
    if value == UTC or (value not in _RELATIVE and _exists(value)):
        return value
    known = {zone for zone in available_timezones() if "/" in zone}
    if not known:
        raise SpecValueError(
            f"{shown(value)} cannot be looked up: this machine has no time-zone database",
            "install the tzdata package",
        )
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(known)}
    meant = cities.get(value.replace(" ", "_").title())
    close = did_you_mean(value, known) if "/" in value else None
    hint = f'did you mean "{meant}"?' if meant else close
    raise SpecValueError(
        f"{shown(value)} is not a time zone", hint or 'write an IANA name such as "Europe/Berlin"'
    )


def _exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        return False
    return True
