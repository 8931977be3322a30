"""Query strings as values. What is not understood is refused in a sentence, never ignored."""

import math
from collections.abc import Collection

from starlette.datastructures import QueryParams

from controller.web.reading import KINDS, SORTS, STATES, ChangesQuery, FleetQuery

MODES = ("Off", "Observe", "Recommend", "Enforce")
MOST_ROWS = 500
MOST_TEXT = 200
MOST_OFFSET = 10_000_000
MOST_DAYS = 90.0
DEFAULT_DAYS = 14.0


class QueryError(ValueError):
    """The query cannot be answered; the message says why."""


def fleet_query(given: QueryParams) -> FleetQuery:
    """`?q=&kind=&state=&mode=&policy=&region=&sort=-p95&offset=&limit=`. Raises QueryError."""
    names = ("q", "kind", "state", "mode", "policy", "region", "sort", "offset", "limit")
    _only(given, names)
    sort = _text(given, "sort") or "state"
    return FleetQuery(
        text=_text(given, "q"),
        kinds=_words(given, "kind", KINDS),
        states=_words(given, "state", STATES),
        modes=_words(given, "mode", MODES),
        policies=_words(given, "policy"),
        regions=_words(given, "region"),
        sort=_one_of("sort", sort.removeprefix("-"), SORTS),
        descending=sort.startswith("-"),
        offset=_whole(given, "offset", 0, 0, MOST_OFFSET),
        limit=_whole(given, "limit", 100, 1, MOST_ROWS),
    )


def changes_query(given: QueryParams) -> ChangesQuery:
    """`?endpoint=KEY&open=true&limit=`. Raises QueryError."""
    _only(given, ("endpoint", "open", "limit"))
    only_open = _one_of("open", _text(given, "open") or "false", ("true", "false")) == "true"
    limit = _whole(given, "limit", 100, 1, MOST_ROWS)
    return ChangesQuery(given.get("endpoint"), only_open, limit)


def history_days(given: QueryParams) -> float:
    """`?days=`. Raises QueryError."""
    _only(given, ("days",))
    text = given.get("days")
    if text is None:
        return DEFAULT_DAYS
    try:
        days = float(text)
    except ValueError:
        days = math.nan
    if not 0.0 < days <= MOST_DAYS:
        raise QueryError(f"days must be a number up to {MOST_DAYS:g}")
    return days


def nothing(given: QueryParams) -> None:
    """Raises QueryError where anything was asked for."""
    _only(given, ())


def _only(given: QueryParams, names: Collection[str]) -> None:
    for name in given:
        if name not in names:
            known = f"there are {', '.join(names)}" if names else "there are none here"
            raise QueryError(f"there is no parameter {name[:40]!r}; {known}")
        if len(given.getlist(name)) > 1:
            raise QueryError(f"{name} is given twice; separate values by commas")


def _text(given: QueryParams, name: str) -> str:
    text = given.get(name, "")
    if len(text) > MOST_TEXT:
        raise QueryError(f"{name} is longer than {MOST_TEXT} characters")
    return text


def _words(given: QueryParams, name: str, known: Collection[str] = ()) -> frozenset[str]:
    words = frozenset(word for word in _text(given, name).split(",") if word)
    for word in sorted(words) if known else ():
        _one_of(name, word, known)
    return words


def _one_of(name: str, word: str, known: Collection[str]) -> str:
    if word not in known:
        raise QueryError(f"{name} must be of {', '.join(known)}, not {word[:40]!r}")
    return word


def _whole(given: QueryParams, name: str, default: int, least: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    # isascii: int() would also take the digits of other scripts
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise QueryError(f"{name} must be a whole number from {least} to {most}")
    return int(text)
