"""Memory, money, shares and counts, as texts and as numbers.

Each parser takes whatever stood in the YAML and returns the number in the unit of its
name, or raises SpecValueError with what was probably meant. Each `format_` gives the
canonical text, which parses back to the same number.
"""

import re
from decimal import Decimal

from controller.policy.problems import SpecValueError, is_negative, out_of_range, shown

MEMORY_PATTERN = r"^[0-9]+(\.[0-9]+)?(Mi|Gi)$"
MONEY_PATTERN = r"^[0-9]+(\.[0-9]+)? USD$"
RATIO_PATTERN = r"^[0-9]+(\.[0-9]+)?%$"
PERCENTILE_PATTERN = r"^p[5-9][0-9](\.[0-9])?$"
UNLIMITED = "unlimited"
RATIO_DIGITS = 12
"""Decimals of a share that are kept, so that it can be written as a percentage and read back."""

_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,6})?)"
_MEMORY = re.compile(_NUMBER + "(Mi|Gi)")
_LOOSE_MEMORY = re.compile(_NUMBER + r"\s*([A-Za-z]{0,3})")
_MONEY = re.compile(_NUMBER + " USD")
_LOOSE_MONEY = re.compile(
    r"\s*([A-Za-z$€£]{0,3})\s*([0-9][0-9,]{0,12}(?:\.[0-9]{1,6})?)\s*(.{0,8})"
)
_PERCENT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,10})?)\s?%")
_PERCENTILE = re.compile(r"p([0-9]{2}(?:\.[0-9])?)")
_MOST_COUNTED = 1_000_000_000
_PERCENTILES = "be between p50 and p99.9"
_MB_PER = {"Mi": 1, "Gi": 1024}


def parse_memory_mb(value: object) -> int:
    """Megabytes of 2**20 bytes, as AWS Lambda counts them."""
    match = _MEMORY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _memory_refused(value)
    exact = Decimal(match.group(1)) * _MB_PER[match.group(2)]
    if exact != int(exact):
        near = format_memory_mb(max(1, round(exact)))
        raise SpecValueError(f"{shown(value)} is not a whole number of MB", f"did you mean {near}?")
    return int(exact)


def format_memory_mb(memory_mb: int) -> str:
    """`1Gi` where whole, else `1769Mi`."""
    gigabytes, rest = divmod(memory_mb, 1024)
    return f"{gigabytes}Gi" if gigabytes and not rest else f"{memory_mb}Mi"


def _memory_refused(value: object) -> SpecValueError:
    if is_negative(value):
        return out_of_range(value, "not be negative")
    text = "" if isinstance(value, bool) else str(value)
    match = _LOOSE_MEMORY.fullmatch(text)
    if match is None:
        return SpecValueError(f"{shown(value)} is not a memory size", "write it as 1024Mi or 1Gi")
    number, unit = Decimal(match.group(1)), match.group(2).lower()
    if unit == "":
        return SpecValueError(f"{shown(value)} has no unit", f"did you mean {text}Mi?")
    if unit not in {"m", "mb", "mi", "mib", "g", "gb", "gi", "gib"}:
        return SpecValueError(f"{shown(value)} is not a memory size", "write it as 1024Mi or 1Gi")
    meant = f"{number}{'Mi' if unit.startswith('m') else 'Gi'}"
    reason = "AWS counts a MB as 2**20 bytes" if unit in {"m", "mb", "g", "gb"} else None
    hint = f"did you mean {meant}?" + (f" ({reason})" if reason else "")
    return SpecValueError(f"{shown(value)} is not a memory size", hint)


def parse_money_usd(value: object) -> Decimal:
    """US dollars; the one currency, as AWS bills in it."""
    match = _MONEY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _money_refused(value)
    return Decimal(match.group(1))


def format_money_usd(usd: Decimal | float) -> str:
    """`120 USD`, `0.50 USD`: cents are written out once there are any."""
    exact = (usd if isinstance(usd, Decimal) else Decimal(repr(float(usd)))).normalize()
    exponent = exact.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return f"{exact:.{max(places, 2) if places else 0}f} USD"


def _money_refused(value: object) -> SpecValueError:
    if is_negative(value):
        return out_of_range(value, "not be negative")
    if isinstance(value, str) and re.fullmatch(r"[0-9]{10,30}(\.[0-9]{1,6})? USD", value):
        return out_of_range(value, "be less than 1,000,000,000 USD")
    text = "" if isinstance(value, bool) else str(value)
    match = _LOOSE_MONEY.fullmatch(text)
    if match is None:
        return SpecValueError(f"{shown(value)} is not an amount of money", 'write it as "120 USD"')
    before, digits, after = match.groups()
    number, currency = digits.replace(",", ""), (before + after.strip()).upper()
    if currency in {"USD", "$", "US$", "$USD"}:
        return SpecValueError(
            f"{shown(value)} is not an amount of money", f'did you mean "{number} USD"?'
        )
    if not currency:
        return SpecValueError(f"{shown(value)} has no currency", f'did you mean "{number} USD"?')
    if re.fullmatch(r"[A-Z]{3}|[€£]", currency):
        return SpecValueError(
            f"{shown(value)} is not in US dollars, the only currency supported for now",
            "AWS prices are in USD",
        )
    return SpecValueError(f"{shown(value)} is not an amount of money", 'write it as "120 USD"')


def parse_ratio(value: object, must: str = "be between 0% and 100%") -> float:
    """A share between 0 and 1: `"5%"`, or `0.05`. `must`: what it may be, where that is less."""
    if isinstance(value, str):
        match = _PERCENT.fullmatch(value)
        if match is not None:
            percent = Decimal(match.group(1))
            if percent > 100:
                raise out_of_range(value, must)
            return float(percent / 100)
        if is_negative(value) and value.rstrip().endswith("%"):
            raise out_of_range(value, must)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if 0 <= value <= 1:
            return round(float(value), RATIO_DIGITS)
        if 1 < value <= 100:
            message = f"{shown(value)} is not a share between 0 and 1"
            raise SpecValueError(message, f'did you mean "{value}%"?')
        raise out_of_range(value, must)
    raise SpecValueError(f"{shown(value)} is not a share", 'write it as "5%" or 0.05')


def format_ratio(ratio: float) -> str:
    """`5%`; every digit that the number has."""
    percent = (Decimal(repr(float(ratio))) * 100).normalize()
    return f"{percent:f}%"


def parse_percentile(value: object) -> float:
    """`p95` is 0.95; from p50 to p99.9, the ones that CloudWatch and an SLO have use for."""
    match = _PERCENTILE.fullmatch(value) if isinstance(value, str) else None
    if match is None and isinstance(value, str) and re.fullmatch(r"p([0-9]|[0-9]{3,9})", value):
        raise out_of_range(value, _PERCENTILES)
    if match is None:
        number = re.fullmatch(r"[pP]?\s*([0-9]{2}(?:\.[0-9])?)\s*(%|th)?", str(value))
        hint = f"did you mean p{number.group(1)}?" if number else "write it as p95"
        raise SpecValueError(f"{shown(value)} is not a percentile", hint)
    percent = Decimal(match.group(1))
    if not 50 <= percent <= Decimal("99.9"):
        raise out_of_range(value, _PERCENTILES)
    return float(percent / 100)


def format_percentile(fraction: float) -> str:
    """`p95`, `p99.9`."""
    return f"p{(Decimal(repr(float(fraction))) * 100).normalize():f}"


def parse_count(value: object, least: int, most: int | None = None) -> int:
    """A whole number from `least` to `most`."""
    if isinstance(value, bool) or not isinstance(value, int):
        whole = isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value)
        hint = f"did you mean {value} without quotes?" if whole else None
        raise SpecValueError(f"{shown(value)} is not a whole number", hint)
    if most is not None and not least <= value <= most:
        raise out_of_range(value, f"be between {least} and {most:,}")
    if value < least:
        raise out_of_range(value, f"be at least {least}")
    if value > _MOST_COUNTED:
        raise out_of_range(value, f"be at most {_MOST_COUNTED:,}")
    return value


def parse_limit(value: object) -> int | str:
    """A whole number from 0, or `unlimited`."""
    return UNLIMITED if value == UNLIMITED else parse_count(value, least=0)
