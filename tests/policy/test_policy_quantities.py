"""Durations, memory, money, shares and percentiles: read, refused with a hint, written again."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.policy.amounts import (
    format_memory_mb,
    format_money_usd,
    format_percentile,
    format_ratio,
    parse_count,
    parse_limit,
    parse_memory_mb,
    parse_money_usd,
    parse_percentile,
    parse_ratio,
)
from controller.policy.durations import (
    MAX_MS,
    format_duration_ms,
    format_duration_s,
    parse_duration_ms,
    parse_duration_s,
)
from controller.policy.problems import SpecValueError

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.from_regex(r"[0-9.,]{1,14} ?[A-Za-z%$€]{0,5}", fullmatch=True),
)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("400ms", 400),
        ("30s", 30_000),
        ("5m", 300_000),
        ("1h30m", 5_400_000),
        ("7d", 604_800_000),
        ("2w", 1_209_600_000),
        ("1d2h3m4s5ms", 93_784_005),
        ("90m", 5_400_000),
        ("0s", 0),
    ],
)
def test_durations_are_read(text: str, milliseconds: int) -> None:
    assert parse_duration_ms(text) == milliseconds
    assert parse_duration_s(text) == milliseconds / 1000


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (400, "400 has no unit", "did you mean 400ms?"),
        ("400", '"400" has no unit', "did you mean 400ms?"),
        (0.4, "0.4 has no unit", "did you mean 400ms?"),
        ("5min", '"5min" is not a duration', "did you mean 5m?"),
        ("1.5h", '"1.5h" is not a duration', "did you mean 1h30m?"),
        ("400 ms", '"400 ms" is not a duration', "did you mean 400ms?"),
        ("2 hours", '"2 hours" is not a duration', "did you mean 2h?"),
        ("30m1h", '"30m1h" is not a duration', "did you mean 1h30m?"),
        ("5M", '"5M" is not a duration', "did you mean 5m?"),
        ("5m\n", '"5m\\u000a" is not a duration', "did you mean 5m?"),
        ("1y", '"1y" is not a duration', "write whole numbers with w, d, h, m, s or ms"),
        ("", '"" is not a duration', "write whole numbers with w, d, h, m, s or ms"),
        (True, "true is not a duration", "write whole numbers with w, d, h, m, s or ms"),
        ("٥m", '"٥m" is not a duration', "write whole numbers with w, d, h, m, s or ms"),
        ("4000d", '"4000d" is out of range: must be between 0s and 3650d', None),
        ("-5m", '"-5m" is out of range: must not be negative', None),
    ],
)
def test_durations_are_refused_with_what_was_meant(
    value: object, message: str, hint: str | None
) -> None:
    assert refusal(parse_duration_ms, value) == (message, hint)


@pytest.mark.parametrize(
    ("value", "meant"), [(5, "5m"), (90, "1m30s"), (300, "5m"), (3600, "1h"), (0, "0s")]
)
def test_a_bare_pause_is_taken_for_minutes_or_seconds(value: int, meant: str) -> None:
    assert refusal(parse_duration_s, value) == (f"{value} has no unit", f"did you mean {meant}?")


@given(st.integers(0, MAX_MS))
def test_durations_survive_being_written(milliseconds: int) -> None:
    assert parse_duration_ms(format_duration_ms(milliseconds)) == milliseconds
    assert parse_duration_s(format_duration_s(milliseconds / 1000)) == milliseconds / 1000


@pytest.mark.parametrize(
    ("text", "memory_mb"),
    [("128Mi", 128), ("1Gi", 1024), ("1.5Gi", 1536), ("10Gi", 10_240), ("1769Mi", 1769)],
)
def test_memory_is_read(text: str, memory_mb: int) -> None:
    assert parse_memory_mb(text) == memory_mb


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (1024, "1024 has no unit", "did you mean 1024Mi?"),
        ("1024", '"1024" has no unit', "did you mean 1024Mi?"),
        (
            "1024MB",
            '"1024MB" is not a memory size',
            "did you mean 1024Mi? (AWS counts a MB as 2**20 bytes)",
        ),
        (
            "1024M",
            '"1024M" is not a memory size',
            "did you mean 1024Mi? (AWS counts a MB as 2**20 bytes)",
        ),
        ("1G", '"1G" is not a memory size', "did you mean 1Gi? (AWS counts a MB as 2**20 bytes)"),
        ("1GiB", '"1GiB" is not a memory size', "did you mean 1Gi?"),
        ("1 Gi", '"1 Gi" is not a memory size', "did you mean 1Gi?"),
        ("1gi", '"1gi" is not a memory size', "did you mean 1Gi?"),
        ("1.3Gi", '"1.3Gi" is not a whole number of MB', "did you mean 1331Mi?"),
        ("1Ti", '"1Ti" is not a memory size', "write it as 1024Mi or 1Gi"),
        (True, "true is not a memory size", "write it as 1024Mi or 1Gi"),
        ([], "a list is not a memory size", "write it as 1024Mi or 1Gi"),
    ],
)
def test_memory_is_refused_with_what_was_meant(
    value: object, message: str, hint: str | None
) -> None:
    assert refusal(parse_memory_mb, value) == (message, hint)


@given(st.integers(1, 1_000_000))
def test_memory_survives_being_written(memory_mb: int) -> None:
    assert parse_memory_mb(format_memory_mb(memory_mb)) == memory_mb


def test_memory_is_written_in_the_largest_whole_unit() -> None:
    assert [format_memory_mb(mb) for mb in (128, 1024, 1536, 3072)] == [
        "128Mi",
        "1Gi",
        "1536Mi",
        "3Gi",
    ]


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (120, "120 has no currency", 'did you mean "120 USD"?'),
        ("$120", '"$120" is not an amount of money', 'did you mean "120 USD"?'),
        ("120USD", '"120USD" is not an amount of money', 'did you mean "120 USD"?'),
        ("USD 120", '"USD 120" is not an amount of money', 'did you mean "120 USD"?'),
        ("1,200 USD", '"1,200 USD" is not an amount of money', 'did you mean "1200 USD"?'),
        (
            "120 EUR",
            '"120 EUR" is not in US dollars, the only currency supported for now',
            "AWS prices are in USD",
        ),
        (
            "€120",
            '"€120" is not in US dollars, the only currency supported for now',
            "AWS prices are in USD",
        ),
        ("-5 USD", '"-5 USD" is out of range: must not be negative', None),
        (
            f"{10**12} USD",
            f'"{10**12} USD" is out of range: must be less than 1,000,000,000 USD',
            None,
        ),
        ("cheap", '"cheap" is not an amount of money', 'write it as "120 USD"'),
    ],
)
def test_money_is_refused_with_what_was_meant(
    value: object, message: str, hint: str | None
) -> None:
    assert refusal(parse_money_usd, value) == (message, hint)


@given(st.decimals(0, 999_999_999, places=6, allow_nan=False, allow_infinity=False))
def test_money_survives_being_written(usd: Decimal) -> None:
    assert parse_money_usd(format_money_usd(usd)) == usd
    assert parse_money_usd(format_money_usd(float(usd))) == usd


def test_money_is_written_with_cents_once_there_are_any() -> None:
    assert [format_money_usd(Decimal(n)) for n in ("120", "120.00", "0.5", "1000")] == [
        "120 USD",
        "120 USD",
        "0.50 USD",
        "1000 USD",
    ]


@pytest.mark.parametrize(
    ("value", "ratio"), [("5%", 0.05), ("99.9%", 0.999), (0.05, 0.05), (1, 1.0), ("0%", 0.0)]
)
def test_shares_are_read(value: object, ratio: float) -> None:
    assert parse_ratio(value) == ratio


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (5, "5 is not a share between 0 and 1", 'did you mean "5%"?'),
        (-0.1, "-0.1 is out of range: must be between 0% and 100%", None),
        ("-1%", '"-1%" is out of range: must be between 0% and 100%', None),
        (float("nan"), "nan is out of range: must be between 0% and 100%", None),
        ("0.05", '"0.05" is not a share', 'write it as "5%" or 0.05'),
        ("101%", '"101%" is out of range: must be between 0% and 100%', None),
        (True, "true is not a share", 'write it as "5%" or 0.05'),
    ],
)
def test_shares_are_refused_with_what_was_meant(
    value: object, message: str, hint: str | None
) -> None:
    assert refusal(parse_ratio, value) == (message, hint)


@given(st.floats(0, 1))
def test_shares_survive_being_written(number: float) -> None:
    ratio = parse_ratio(number)
    assert ratio == pytest.approx(number, abs=1e-12)
    assert parse_ratio(format_ratio(ratio)) == ratio


@given(st.integers(500, 999))
def test_percentiles_survive_being_written(per_mille: int) -> None:
    fraction = per_mille / 1000
    assert parse_percentile(format_percentile(fraction)) == fraction


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("95", '"95" is not a percentile', "did you mean p95?"),
        (95, "95 is not a percentile", "did you mean p95?"),
        ("P95", '"P95" is not a percentile', "did you mean p95?"),
        ("95th", '"95th" is not a percentile', "did you mean p95?"),
        (0.95, "0.95 is not a percentile", "write it as p95"),
        ("p49", '"p49" is out of range: must be between p50 and p99.9', None),
        ("p100", '"p100" is out of range: must be between p50 and p99.9', None),
    ],
)
def test_percentiles_are_refused_with_what_was_meant(
    value: object, message: str, hint: str | None
) -> None:
    assert refusal(parse_percentile, value) == (message, hint)


def test_counts_are_whole_numbers() -> None:
    assert parse_limit(0) == 0
    assert parse_limit("unlimited") == "unlimited"
    assert refusal(parse_limit, "5") == (
        '"5" is not a whole number',
        "did you mean 5 without quotes?",
    )
    assert refusal(parse_limit, -1) == ("-1 is out of range: must be at least 0", None)
    assert refusal(parse_limit, True) == ("true is not a whole number", None)
    assert refusal(lambda value: parse_count(value, least=1), 0) == (
        "0 is out of range: must be at least 1",
        None,
    )


@pytest.mark.parametrize(
    "parse",
    [
        parse_duration_ms,
        parse_duration_s,
        parse_memory_mb,
        parse_money_usd,
        parse_ratio,
        parse_percentile,
        parse_limit,
    ],
)
@given(value=ANYTHING)
def test_nothing_but_a_refusal_comes_of_any_value(
    parse: Callable[[object], object], value: object
) -> None:
    refused: SpecValueError | None = None
    try:
        parse(value)
    except SpecValueError as error:
        refused = error
    assert refused is None or (refused.message and refused.message.isprintable())


def refusal(parse: Callable[[object], object], value: object) -> tuple[str, str | None]:
    with pytest.raises(SpecValueError) as caught:
        parse(value)
    return caught.value.message, caught.value.hint
