"""What GetMetricData is asked: queries and expressions, checked as CloudWatch checks them.

Facts: at most 500 queries, ids `^[a-z][a-zA-Z0-9_]*$` and unique; standard metrics have
periods that are multiples of 60 s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.sandbox.metrics import Dimensions
from controller.sandbox.statistic import Statistic, parse_statistic
from controller.sandbox.wire.contract import AwsError

MOST_QUERIES = 500
_ID = re.compile(r"^[a-z][a-zA-Z0-9_]*$")


def invalid(message: str) -> AwsError:
    """400 ValidationError."""
    return AwsError("ValidationError", message)


@dataclass(frozen=True, slots=True)
class Query:
    """One MetricStat of the call, checked."""

    id: str
    namespace: str
    metric: str
    dimensions: Dimensions
    period_s: int
    statistic: Statistic
    unit: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Formula:
    """One Expression of the call, checked."""

    id: str
    expression: str
    period_s: int | None
    label: str


def checked(given: Sequence[Mapping[str, Any]]) -> tuple[list[Query], list[Formula], list[str]]:
    """(queries, formulas, ids to be shown) of a call. Raises 400."""
    if not 1 <= len(given) <= MOST_QUERIES:
        raise invalid(
            f"The collection MetricDataQueries must have a size from 1 to {MOST_QUERIES}."
        )
    queries: list[Query] = []
    formulas: list[Formula] = []
    shown: list[str] = []
    seen: set[str] = set()
    for one in given:
        name = str(one.get("Id", ""))
        if not _ID.match(name):
            raise invalid(f"The value {name} for parameter MetricDataQueries.member.Id is not "
                          "matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.")  # fmt: skip
        if name in seen:
            raise invalid(
                f"The values for parameter id in MetricDataQueries must be unique: {name}."
            )
        seen.add(name)
        if ("MetricStat" in one) == ("Expression" in one):
            raise invalid(f"Exactly one of MetricStat and Expression must be given for {name}.")
        if "Expression" in one:
            label = str(one.get("Label", name))
            formulas.append(Formula(name, str(one["Expression"]), one.get("Period"), label))
        else:
            queries.append(_query(name, one))
        if one.get("ReturnData", True):
            shown.append(name)
    if not shown:
        raise invalid("At least one query must have ReturnData set to true.")
    return queries, formulas, shown


def _query(name: str, given: Mapping[str, Any]) -> Query:
    stat = given["MetricStat"]
    metric = stat["Metric"]
    statistic = parse_statistic(str(stat["Stat"]))
    if statistic is None:
        raise invalid(f"The value {stat['Stat']} for parameter MetricDataQueries.member."
                      "MetricStat.Stat is not a valid statistic.")  # fmt: skip
    period_s = int(stat["Period"])
    if period_s <= 0 or period_s % 60:
        raise invalid(f"The value {period_s} for parameter Period is not a multiple of 60.")
    return Query(
        id=name,
        namespace=str(metric["Namespace"]),
        metric=str(metric["MetricName"]),
        dimensions=dimensions_of(metric.get("Dimensions", ())),
        period_s=period_s,
        statistic=statistic,
        unit=stat.get("Unit"),
        label=str(given.get("Label", metric["MetricName"])),
    )


def dimensions_of(given: Sequence[Mapping[str, str]]) -> Dimensions:
    """Dimensions sorted by name. Raises 400 for a name given twice."""
    named = {one["Name"]: one["Value"] for one in given}
    if len(named) != len(given):
        raise invalid("A dimension may be given only once.")
    return tuple(sorted(named.items()))
