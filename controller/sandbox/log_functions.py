"""What expressions of a log query compute, on whole columns at once.

A column is an array of numbers (NaN: absent) or one string for all rows; conditions are
arrays of 0 and 1.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from controller.sandbox.log_language import Node, QuerySyntaxError
from controller.sandbox.log_records import Block, Column, Floats

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.mod,
    "^": np.power,
}
_COMPARISON: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "=": np.equal,
    "!=": np.not_equal,
}
AGGREGATES = frozenset(
    {"count", "count_distinct", "sum", "avg", "min", "max", "pct", "median", "stddev"}
)


def unsupported(what: str) -> QuerySyntaxError:
    """A query that is read but not understood here."""
    return QuerySyntaxError(f"{what} is not supported", 0, 0)


def seconds_of(node: Node) -> float:
    """Length of a period such as `5m`. Raises QuerySyntaxError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", node.value)
    if node.kind != "number" or match is None:
        raise unsupported(f"the period {node.value!r}")
    return float(match[1]) * _SECONDS[match[2]]


def column(node: Node, block: Block) -> Column:
    """An expression over the rows of a block. Raises QuerySyntaxError."""
    size = len(block.counts)
    if node.kind == "number":
        return np.full(size, float(re.sub(r"[a-z]+$", "", node.value)))
    if node.kind == "text":
        return node.value[1:-1]
    if node.kind == "field":
        return block.columns.get(node.value, np.full(size, np.nan))
    if node.kind == "op":
        return _operation(node, block)
    if node.kind == "call":
        return _call(node, block)
    raise unsupported(f"{node.value or node.kind!r} here")


def numbers(node: Node, block: Block) -> Floats:
    """An expression that must be numeric. Raises QuerySyntaxError."""
    value = column(node, block)
    if isinstance(value, str):
        try:
            return np.full(len(block.counts), float(value))
        except ValueError:
            return np.full(len(block.counts), np.nan)
    return value


def _operation(node: Node, block: Block) -> Column:
    left, right = node.args
    operator = node.value
    if operator in ("and", "or"):
        one, other = numbers(left, block) == 1.0, numbers(right, block) == 1.0
        return np.asarray(one & other if operator == "and" else one | other, np.float64)
    if operator in ("like", "=~"):
        return _truth(block, _matches(right, column(left, block)))
    if operator == "in":
        found = _truth(block, False)
        for item in right.args:
            found = np.maximum(found, numbers(Node("op", "=", (left, item)), block))
        return found
    if operator in _COMPARISON:
        one_side, other_side = column(left, block), column(right, block)
        if isinstance(one_side, str) and isinstance(other_side, str):
            equal = one_side == other_side
            if operator in ("=", "!="):
                return _truth(block, equal == (operator == "="))
        compare = _COMPARISON[operator]
        return np.asarray(compare(numbers(left, block), numbers(right, block)), np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(_ARITHMETIC[operator](numbers(left, block), numbers(right, block)))


def _truth(block: Block, value: bool) -> Floats:
    return np.full(len(block.counts), float(value))


def _matches(pattern: Node, value: Column) -> bool:
    if not isinstance(value, str):
        return False
    if pattern.kind == "regex":
        return re.search(pattern.value[1:-1], value) is not None
    return pattern.value[1:-1] in value


def _call(node: Node, block: Block) -> Column:
    name, args = node.value, node.args
    if name == "not":
        return np.asarray(numbers(args[0], block) != 1.0, np.float64)
    if name == "ispresent":
        value = column(args[0], block)
        there = True if isinstance(value, str) else ~np.isnan(value)
        return np.asarray(np.full(len(block.counts), there), np.float64)
    if name == "bin":
        period_ms = seconds_of(args[0]) * 1000.0
        instants = numbers(Node("field", "@timestamp"), block)
        return np.asarray(np.floor(instants / period_ms) * period_ms)
    if name == "coalesce":
        return _coalesce([numbers(arg, block) for arg in args])
    if name in ("greatest", "least"):
        pick = np.maximum if name == "greatest" else np.minimum
        return np.asarray(pick.reduce([numbers(arg, block) for arg in args]))
    single = {"abs": np.abs, "ceil": np.ceil, "floor": np.floor, "sqrt": np.sqrt, "log": np.log}
    if name in single and len(args) == 1:
        return np.asarray(single[name](numbers(args[0], block)))
    raise unsupported(f"the function {name}()")


def _coalesce(columns: Sequence[Floats]) -> Floats:
    result = columns[0]
    for other in columns[1:]:
        result = np.where(np.isnan(result), other, result)
    return result


def aggregate(node: Node, block: Block) -> float:
    """An expression of `stats` over the rows of one group; NaN where there is nothing."""
    if node.kind == "number":
        return float(node.value)
    if node.kind == "op" and node.value in _ARITHMETIC:
        one, other = (np.array([aggregate(arg, block)]) for arg in node.args)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(_ARITHMETIC[node.value](one, other)[0])
    if node.kind != "call" or node.value not in AGGREGATES:
        raise unsupported(f"{node.value!r} in stats")
    if node.value == "count" and (not node.args or node.args[0].kind == "star"):
        return float(block.counts.sum())
    value = column(node.args[0], block)
    if isinstance(value, str):
        if node.value == "count":
            return float(block.counts.sum())
        raise unsupported(f"{node.value}() of text")
    present = ~np.isnan(value)
    return _fold(node, value[present], block.counts[present])


def _fold(node: Node, values: Floats, counts: Floats) -> float:
    name, total = node.value, float(counts.sum())
    if name == "count":
        return total
    if name == "count_distinct":
        return float(len(np.unique(values)))
    if not len(values):
        return float("nan")
    if name in ("min", "max"):
        return float(values.min() if name == "min" else values.max())
    if name in ("pct", "median"):
        share = 50.0 if name == "median" else float(node.args[1].value)
        order = np.argsort(values)
        below = np.cumsum(counts[order])
        return float(values[order][int(np.searchsorted(below, share / 100.0 * total))])
    mean = float((values * counts).sum() / total)
    if name == "sum":
        return mean * total
    if name == "avg":
        return mean
    return float(np.sqrt(((values - mean) ** 2 * counts).sum() / total))
