"""Metric math: the language by itself."""

import pytest

from controller.sandbox.metric_math import evaluate, names_in
from controller.sandbox.metric_math_values import Context, MathError

A = {0: 10.0, 60: 20.0, 180: 40.0}
B = {0: 1.0, 120: 3.0, 180: 4.0}


def _run(expression, **series):
    known = series or {"a": A, "b": B, "c1": {0: 5.0}, "c2": {0: 7.0}}
    context = Context(known, dict.fromkeys(known, 60), 0, 240, 60)
    (found,) = evaluate(expression, context)
    return found


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("a", A),
        ("a * 2 + 1", {0: 21.0, 60: 41.0, 180: 81.0}),
        ("a / b", {0: 10.0, 180: 10.0}),
        ("100 * (1 - b / a)", {0: 90.0, 180: 90.0}),
        ("-b", {0: -1.0, 120: -3.0, 180: -4.0}),
        ("b ^ 2", {0: 1.0, 120: 9.0, 180: 16.0}),
        ("SUM([a, b])", {0: 11.0, 60: 20.0, 120: 3.0, 180: 44.0}),
        ("AVG([a, b])", {0: 5.5, 60: 20.0, 120: 3.0, 180: 22.0}),
        ("MAX([a, b])", {0: 10.0, 60: 20.0, 120: 3.0, 180: 40.0}),
        ("SUM(METRICS('c'))", {0: 12.0}),
        ('MIN(METRICS("c"))', {0: 5.0}),
        ("a / SUM(a)", {0: 1 / 7, 60: 2 / 7, 180: 4 / 7}),
        ("FILL(a, 0)", {0: 10.0, 60: 20.0, 120: 0.0, 180: 40.0}),
        ("FILL(a, REPEAT)", {0: 10.0, 60: 20.0, 120: 20.0, 180: 40.0}),
        ("FILL(a, LINEAR)", {0: 10.0, 60: 20.0, 120: 30.0, 180: 40.0}),
        ("IF(a > 15, a)", {60: 20.0, 180: 40.0}),
        ("IF(a > 15, a, 0)", {0: 0.0, 60: 20.0, 180: 40.0}),
        ("IF(a > 15 AND a < 30, 1, 0)", {0: 0.0, 60: 1.0, 180: 0.0}),
        ("a / PERIOD(a)", {0: 10 / 60, 60: 20 / 60, 180: 40 / 60}),
        ("RUNNING_SUM(b)", {0: 1.0, 120: 4.0, 180: 8.0}),
        ("CEIL(b / 2)", {0: 1.0, 120: 2.0, 180: 2.0}),
        ("TIME_SERIES(3)", {0: 3.0, 60: 3.0, 120: 3.0, 180: 3.0}),
        ("a / 0", {}),
    ],
)
def test_expressions(expression, result):
    """Between two series a point is only where both have one (CloudWatch)."""
    assert _run(expression) == pytest.approx(result)


@pytest.mark.parametrize(
    "expression", ["", "a +", "a b", "(a", "SUM(", "nope", "SEARCH('x')", "1 + 2", "a $ b", "[a"]
)
def test_what_cannot_be_read_is_an_error(expression):
    with pytest.raises(MathError):
        _run(expression)


def test_ids_of_an_expression():
    assert names_in("SUM([e1, m2]) / e1") == {"SUM", "e1", "m2"}
