"""Metric math: expressions over other queries of the same call.

The part of CloudWatch's language that monitoring of latencies needs: numbers, ids,
`+ - * / ^`, comparisons, AND/OR, brackets, lists, and the functions SUM AVG MIN MAX FILL IF
METRICS ABS CEIL FLOOR PERIOD RUNNING_SUM TIME_SERIES DATAPOINT_COUNT.

This is the reader of expressions; what they compute is in `metric_math_values`.
"""

import math
import operator
import re
from collections.abc import Mapping, Sequence

from controller.sandbox.metric_math_values import (
    FUNCTIONS,
    Context,
    MathError,
    Operator,
    Series,
    Value,
    as_list,
    as_series,
    combine,
    filled,
)

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<symbol>==|!=|<=|>=|&&|\|\||[-+*/^()\[\],<>]))"
)
_LEVELS: Sequence[Mapping[str, Operator]] = (
    {"||": lambda a, b: float(bool(a) or bool(b)), "OR": lambda a, b: float(bool(a) or bool(b))},
    {"&&": lambda a, b: float(bool(a) and bool(b)), "AND": lambda a, b: float(bool(a) and bool(b))},
    {
        "==": lambda a, b: float(a == b),
        "!=": lambda a, b: float(a != b),
        "<=": lambda a, b: float(a <= b),
        ">=": lambda a, b: float(a >= b),
        "<": lambda a, b: float(a < b),
        ">": lambda a, b: float(a > b),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": lambda a, b: a / b if b else math.nan},
    {"^": lambda a, b: float(a**b)},
)


def names_in(expression: str) -> set[str]:
    """Ids an expression may refer to (function names included). Raises MathError."""
    return {text for kind, text in _tokens(expression) if kind == "name"}


def evaluate(expression: str, context: Context) -> list[Series]:
    """The series an expression gives: usually one, none or several for METRICS().

    Raises MathError where it cannot be read or gives no time series.
    """
    parser = _Parser(_tokens(expression), context)
    value = parser.expression(0)
    parser.expect_end()
    if isinstance(value, float):
        raise MathError(f"The expression {expression!r} gives a number, not a time series")
    return value if isinstance(value, list) else [value]


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise MathError(f"Error in expression {expression!r} at {text[position:]!r}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent; evaluates while it reads."""

    def __init__(self, tokens: list[tuple[str, str]], context: Context) -> None:
        self._tokens = tokens
        self._position = 0
        self._context = context

    def _peek(self) -> str:
        return self._tokens[self._position][1] if self._position < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self._position >= len(self._tokens):
            raise MathError("The expression ends too early")
        self._position += 1
        return self._tokens[self._position - 1]

    def _expect(self, symbol: str) -> None:
        found = self._take()[1]
        if found != symbol:
            raise MathError(f"Expected {symbol!r} in the expression, found {found!r}")

    def expect_end(self) -> None:
        """Raises MathError where something is left over."""
        if self._position < len(self._tokens):
            raise MathError(f"Unexpected {self._peek()!r} in the expression")

    def expression(self, level: int) -> Value:
        """Operators from `level` on; tighter ones first."""
        if level == len(_LEVELS):
            return self._operand()
        value = self.expression(level + 1)
        while self._peek() in _LEVELS[level]:
            apply = _LEVELS[level][self._take()[1]]
            value = combine(apply, value, self.expression(level + 1))
        return value

    def _operand(self) -> Value:
        kind, text = self._take()
        if kind == "number":
            return float(text)
        if text == "-":
            return combine(operator.mul, -1.0, self._operand())
        if text == "(":
            value = self.expression(0)
            self._expect(")")
            return value
        if text == "[":
            return [s for value in self._arguments("]") for s in as_list(value)]
        if kind != "name":
            raise MathError(f"Unexpected {text!r} in the expression")
        if self._peek() == "(":
            self._take()
            return self._call(text)
        if text not in self._context.series:
            raise MathError(f"The expression refers to {text!r}, which is no query's Id")
        return dict(self._context.series[text])

    def _arguments(self, closing: str) -> list[Value]:
        values: list[Value] = []
        while self._peek() != closing:
            values.append(self.expression(0))
            if self._peek() == ",":
                self._take()
        self._take()
        return values

    def _call(self, name: str) -> Value:
        if name == "METRICS":
            prefix = "" if self._peek() == ")" else self._take()[1].strip("\"'")
            self._expect(")")
            series = self._context.series
            return [dict(series[n]) for n in series if prefix in n and n in self._context.periods]
        if name == "FILL":
            return self._fill()
        function = FUNCTIONS.get(name)
        if function is None:
            raise MathError(f"The function {name} is not supported")
        return function(self._context, self._arguments(")"))

    def _fill(self) -> Value:
        series = self.expression(0)
        self._expect(",")
        worded = self._peek() in ("REPEAT", "LINEAR")
        how: Value | str = self._take()[1] if worded else self.expression(0)
        self._expect(")")
        if isinstance(series, list):
            return [filled(one, how, self._context) for one in series]
        return filled(as_series(series), how, self._context)
