"""The types of the fields of `probe:`; see `fields` for how such types are made."""

import re
from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from controller.policy import amounts, durations
from controller.policy.problems import SpecValueError, out_of_range, shown
from controller.policy.rates import RATE_PATTERN, parse_rate_rps

NEVER = "never"
AUTO = "auto"
MOST_BYTES = 6_291_456
"""Largest request body of Lambda's Invoke and of a SageMaker real-time endpoint."""

MOST_PLACES = 10_000
"""Requests in flight that one may ask for."""

_S3 = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\x00-\x1f]{1,1024}$"
_MEDIA = r"^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}( ?; ?[\x21-\x7e]{1,200})*$"
_MODEL = r"^[A-Za-z0-9!_.*'()/-]{1,1024}$"
_JSON_PATH = r"^[^.\x00-\x1f]{1,200}(\.[^.\x00-\x1f]{1,200})*$"
_HOUR_S = 3600.0


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise SpecValueError(f"{shown(value)} is not text", "put it in quotes")
    if len(value.encode()) > MOST_BYTES:
        raise SpecValueError("it is larger than the 6 MB that a request may have")
    return value


def _path(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise SpecValueError(f"{shown(value)} is not the name of a file")
    if value.startswith("s3://"):
        raise SpecValueError(f"{shown(value)} is not the name of a file", "did you mean s3?")
    return value


def _shaped(value: object, pattern: str, what: str, hint: str) -> str:
    if isinstance(value, str) and re.fullmatch(pattern, value):
        return value
    raise SpecValueError(f"{shown(value)} is not {what}", hint)


def _regular_expression(value: object) -> str:
    try:
        re.compile(_text(value))
    except re.error as error:
        raise SpecValueError(f"{shown(value)} is not a regular expression: {error}") from None
    return str(value)


def _count(value: object, least: int, most: int) -> int:
    return amounts.parse_count(value, least, most)


def _in_flight(value: object) -> int | str:
    return AUTO if value == AUTO else _count(value, 1, MOST_PLACES)


def _weight(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SpecValueError(f"{shown(value)} is not a number")
    if not 0 < value <= 1_000_000:
        raise out_of_range(value, "be more than 0 and at most 1,000,000")
    return round(float(value), 6)


def _seconds(value: object, least_s: float, most_s: float) -> float:
    seconds = durations.parse_duration_s(value)
    if not least_s <= seconds <= most_s:
        low, high = durations.format_duration_s(least_s), durations.format_duration_s(most_s)
        raise out_of_range(value, f"be between {low} and {high}")
    return seconds


def _every(value: object) -> float | str:
    return NEVER if value == NEVER else _seconds(value, 60.0, 14 * 86_400.0)


def _stop_ms(value: object) -> float | str:
    if value == NEVER:
        return NEVER
    milliseconds = durations.parse_duration_ms(value)
    if milliseconds == 0:
        raise SpecValueError("a limit of nothing ends every probe")
    return float(milliseconds)


def _stop_errors(value: object) -> float | str:
    return NEVER if value == NEVER else amounts.parse_ratio(value)


def _spare(value: object) -> float:
    must = "be more than 0% and at most 50%"
    ratio = amounts.parse_ratio(value, must)
    if not 0 < ratio <= 0.5:
        raise out_of_range(value, must)
    return ratio


def _money(value: object) -> Decimal | str:
    return amounts.UNLIMITED if value == amounts.UNLIMITED else amounts.parse_money_usd(value)


def _schema(kind: str, **more: object) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


def _or_never(pattern: str, *examples: str) -> WithJsonSchema:
    options = [{"type": "string", "pattern": pattern}, {"const": NEVER}]
    return WithJsonSchema({"anyOf": options, "examples": [*examples, NEVER]})


def _counted(least: int, most: int, example: int) -> WithJsonSchema:
    return _schema("integer", minimum=least, maximum=most, examples=[example])


def _range(least_s: float, most_s: float) -> PlainValidator:
    return PlainValidator(partial(_seconds, least_s=least_s, most_s=most_s))


def _counts(least: int, most: int) -> PlainValidator:
    return PlainValidator(partial(_count, least=least, most=most))


_JSON_HINT = "write it as label, or score.value"
_S3_HINT = "write it as s3://bucket/key"

Text = Annotated[str, PlainValidator(_text), _schema("string")]
FilePath = Annotated[
    str, PlainValidator(_path), _schema("string", minLength=1, examples=["payloads/page.json"])
]
S3Url = Annotated[
    str,
    PlainValidator(partial(_shaped, pattern=_S3, what="an object in S3", hint=_S3_HINT)),
    _schema("string", pattern=_S3, examples=["s3://bucket/page.json"]),
]
Pattern = Annotated[
    str, PlainValidator(_regular_expression), _schema("string", examples=['"score": 0\\.[0-9]+'])
]
JsonPath = Annotated[
    str,
    PlainValidator(partial(_shaped, pattern=_JSON_PATH, what="a name in JSON", hint=_JSON_HINT)),
    _schema("string", pattern=_JSON_PATH, examples=["score.value"]),
]
Status = Annotated[int, _counts(100, 599), _counted(100, 599, 200)]
Weight = Annotated[
    float, PlainValidator(_weight), _schema("number", exclusiveMinimum=0, examples=[1])
]
MediaType = Annotated[
    str,
    PlainValidator(
        partial(_shaped, pattern=_MEDIA, what="a media type", hint="for example application/json")
    ),
    _schema("string", pattern=_MEDIA, examples=["application/json", "text/csv"]),
]
TargetModel = Annotated[
    str,
    PlainValidator(
        partial(_shaped, pattern=_MODEL, what="a model's name", hint="for example model-a.tar.gz")
    ),
    _schema("string", pattern=_MODEL, examples=["model-a.tar.gz"]),
]
Rate = Annotated[
    float,
    PlainValidator(parse_rate_rps),
    _schema("string", pattern=RATE_PATTERN, examples=["5/s", "30/min"]),
]
PhaseLength = Annotated[
    float, _range(1.0, _HOUR_S), _schema("string", pattern=durations.PATTERN, examples=["2m"])
]
TimeLimit = Annotated[
    float, _range(10.0, _HOUR_S), _schema("string", pattern=durations.PATTERN, examples=["10m"])
]
Steps = Annotated[int, _counts(1, 100), _counted(1, 100, 4)]
Every = Annotated[float | str, PlainValidator(_every), _or_never(durations.PATTERN, "15m")]
LiveRequests = Annotated[int, _counts(1, 1000), _counted(1, 1000, 20)]
StopLatency = Annotated[
    float | str, PlainValidator(_stop_ms), _or_never(durations.PATTERN, "800ms")
]
StopErrors = Annotated[
    float | str, PlainValidator(_stop_errors), _or_never(amounts.RATIO_PATTERN, "5%")
]
Money = Annotated[
    Decimal | str,
    PlainValidator(_money),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": amounts.MONEY_PATTERN},
                {"const": amounts.UNLIMITED},
            ],
            "examples": ["0.50 USD", amounts.UNLIMITED],
        }
    ),
]
WarmUp = Annotated[int, _counts(0, 100), _counted(0, 100, 3)]
InFlight = Annotated[
    int | str,
    PlainValidator(_in_flight),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_PLACES}, {"const": AUTO}],
            "examples": [20, AUTO],
        }
    ),
]
SpareShare = Annotated[
    float,
    PlainValidator(_spare),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": amounts.RATIO_PATTERN},
                {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
            ],
            "examples": ["10%", 0.1],
        }
    ),
]
