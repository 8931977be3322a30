"""The types of single fields: how each is read, and how the JSON Schema describes it.

Every reader is a function of `amounts`, `durations`, `names` or `change_windows`, with
the limits that hold for the field whatever the kind of endpoint. Limits that depend on
the kind, or on two fields together, are in `checks`.
"""

from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from controller.model.endpoint import Kind
from controller.model.policy import Covers, Mode, OnConflict
from controller.policy import amounts, change_windows, durations, instances, names
from controller.policy.problems import SpecValueError, nearest, out_of_range, shown

EVIDENCE_KEPT_S = 14 * 86_400.0
"""How far back CloudWatch is read; nothing can rest on more history than that."""

FINEST_PERIOD_S = 300.0
"""The period of the recent metric windows."""


def _between_s(least_s: float, most_s: float, why_least: str, why_most: str) -> PlainValidator:
    low, high = durations.format_duration_s(least_s), durations.format_duration_s(most_s)

    def read(value: object) -> float:
        seconds = durations.parse_duration_s(value)
        if not least_s <= seconds <= most_s:
            why = why_least if seconds < least_s else why_most
            raise out_of_range(value, f"be between {low} and {high}", why or None)
        return seconds

    return PlainValidator(read)


def _share(value: object, low: float, high: float, must: str) -> float:
    ratio = amounts.parse_ratio(value, must)
    if not low <= ratio <= high:
        raise out_of_range(value, must)
    return ratio


def _canary_share(value: object) -> float:
    must = "be more than 0% and at most 50%"
    ratio = amounts.parse_ratio(value, must)
    if not 0 < ratio <= 0.5:
        raise out_of_range(value, must)
    return ratio


def _confidence(value: object) -> float:
    must = "be more than 50% and less than 100%"
    ratio = amounts.parse_ratio(value, must)
    if not 0.5 < ratio < 1:
        raise out_of_range(value, must)
    return ratio


def _positive_ms(value: object) -> float:
    milliseconds = durations.parse_duration_ms(value)
    if milliseconds == 0:
        raise SpecValueError("a latency threshold of nothing can never be met")
    return float(milliseconds)


def _budget(value: object) -> Decimal | str:
    if value == amounts.UNLIMITED:
        return amounts.UNLIMITED
    usd = amounts.parse_money_usd(value)
    if usd == 0:
        raise SpecValueError("a budget of nothing allows no size at all")
    return usd


def _choice(value: object, words: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in words:
        return value
    meant = nearest(value, words) if isinstance(value, str) else None
    hint = f'did you mean "{meant}"?' if meant else None
    raise SpecValueError(f"{shown(value)} is not one of {', '.join(words)}", hint)


def _mode(value: object) -> Mode:
    return Mode(_choice(value, tuple(mode.value for mode in Mode)))


def _on_conflict(value: object) -> OnConflict:
    return OnConflict(_choice(value, tuple(choice.value for choice in OnConflict)))


def _covers(value: object) -> Covers:
    return Covers(_choice(value, tuple(part.value for part in Covers)))


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    meant = {"yes": "true", "on": "true", "no": "false", "off": "false"}
    word = meant.get(str(value).lower())
    hint = f"did you mean {word}?" if word else None
    raise SpecValueError(f"{shown(value)} is neither true nor false", hint)


def _text(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


def _words(words: list[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": words})


def _ratio_schema(*examples: Any) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": amounts.RATIO_PATTERN},
                {"type": "number", "minimum": 0, "maximum": 1},
            ],
            "examples": list(examples),
        }
    )


_DAY_S = 86_400.0
_NO_EVIDENCE = "two weeks of history are kept"
_PERIOD = "metrics are read in periods of five minutes"

Name = Annotated[str, PlainValidator(names.parse_name), _text(names.NAME_PATTERN, "ocr-live")]
Label = Annotated[
    str, PlainValidator(names.parse_label), WithJsonSchema({"type": "string", "maxLength": 256})
]
LabelKey = Annotated[
    str,
    PlainValidator(names.parse_label_key),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 128}),
]
Kinds = Annotated[
    tuple[Kind, ...],
    PlainValidator(names.parse_kinds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": [*(kind.value for kind in Kind), names.ANY_KIND]},
                {
                    "type": "array",
                    "items": {"type": "string", "enum": [kind.value for kind in Kind]},
                    "minItems": 1,
                    "uniqueItems": True,
                },
            ],
            "examples": [*(kind.value for kind in Kind), names.ANY_KIND],
        }
    ),
]
FunctionName = Annotated[
    str, PlainValidator(names.parse_function_name), _text(names.FUNCTION_PATTERN, "ocr")
]
Glob = Annotated[str, PlainValidator(names.parse_glob), _text(names.GLOB_PATTERN, "ocr-*")]
Qualifier = Annotated[
    str, PlainValidator(names.parse_qualifier), _text(names.QUALIFIER_PATTERN, "live", "AllTraffic")
]
Region = Annotated[
    str, PlainValidator(names.parse_region), _text(names.REGION_PATTERN, "eu-west-1")
]
Account = Annotated[
    str, PlainValidator(names.parse_account), _text(names.ACCOUNT_PATTERN, "123456789012")
]
RoleArn = Annotated[
    str,
    PlainValidator(names.parse_role_arn),
    _text(names.ROLE_PATTERN, "arn:aws:iam::123456789012:role/rightsizer"),
]
ExternalId = Annotated[
    str, PlainValidator(names.parse_external_id), _text(names.EXTERNAL_ID_PATTERN, "f3a9")
]
ModeName = Annotated[Mode, PlainValidator(_mode), _words([mode.value for mode in Mode])]
OnConflictName = Annotated[
    OnConflict, PlainValidator(_on_conflict), _words([choice.value for choice in OnConflict])
]
Percentile = Annotated[
    float, PlainValidator(amounts.parse_percentile), _text(amounts.PERCENTILE_PATTERN, "p95")
]
LatencyMs = Annotated[
    float, PlainValidator(_positive_ms), _text(durations.PATTERN, "400ms", "1s500ms")
]
CoversName = Annotated[Covers, PlainValidator(_covers), _words([part.value for part in Covers])]
ErrorRate = Annotated[
    float,
    PlainValidator(partial(_share, low=0.0, high=0.5, must="be between 0% and 50%")),
    _ratio_schema("1%", 0.01),
]
Saving = Annotated[
    float,
    PlainValidator(partial(_share, low=0.0, high=0.9, must="be between 0% and 90%")),
    _ratio_schema("5%", 0.05),
]
Utilization = Annotated[
    float,
    PlainValidator(partial(_share, low=0.1, high=0.95, must="be between 10% and 95%")),
    _ratio_schema("70%", 0.7),
]
WindowsMet = Annotated[
    float,
    PlainValidator(partial(_share, low=0.9, high=0.9999, must="be between 90% and 99.99%")),
    _ratio_schema("99.9%", 0.999),
]
CanaryShare = Annotated[float, PlainValidator(_canary_share), _ratio_schema("10%", 0.1)]
Confidence = Annotated[float, PlainValidator(_confidence), _ratio_schema("95%", 0.95)]
SloWindow = Annotated[
    float,
    _between_s(FINEST_PERIOD_S, EVIDENCE_KEPT_S, _PERIOD, _NO_EVIDENCE),
    _text(durations.PATTERN, "1h"),
]
Interval = Annotated[
    float,
    _between_s(60.0, _DAY_S, "", ""),
    _text(durations.PATTERN, "5m"),
]
Stabilization = Annotated[
    float, _between_s(0.0, EVIDENCE_KEPT_S, "", _NO_EVIDENCE), _text(durations.PATTERN, "1d")
]
Duration = Annotated[
    float,
    PlainValidator(durations.parse_duration_s),
    _text(durations.PATTERN, "10m", "6h"),
]
MemoryMb = Annotated[
    int, PlainValidator(amounts.parse_memory_mb), _text(amounts.MEMORY_PATTERN, "1024Mi", "1Gi")
]
Budget = Annotated[
    Decimal | str,
    PlainValidator(_budget),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": amounts.MONEY_PATTERN},
                {"const": amounts.UNLIMITED},
            ],
            "examples": ["120 USD", amounts.UNLIMITED],
        }
    ),
]
Concurrency = Annotated[
    int,
    PlainValidator(partial(amounts.parse_count, least=1)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 200, "examples": [20]}),
]
Warm = Annotated[
    int,
    PlainValidator(partial(amounts.parse_count, least=0)),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 200, "examples": [2]}),
]
Instances = Annotated[
    int,
    PlainValidator(partial(amounts.parse_count, least=1)),
    WithJsonSchema({"type": "integer", "minimum": 1, "examples": [2]}),
]
InstanceType = Annotated[
    str,
    PlainValidator(instances.parse_instance_type),
    _text(instances.TYPE_PATTERN, "ml.c5.xlarge"),
]
InstanceFamily = Annotated[
    str, PlainValidator(instances.parse_family), _text(instances.FAMILY_PATTERN, "c5")
]
Flag = Annotated[bool, PlainValidator(_flag), WithJsonSchema({"type": "boolean"})]
Requests = Annotated[
    int,
    PlainValidator(partial(amounts.parse_count, least=1)),
    WithJsonSchema({"type": "integer", "minimum": 1, "examples": [200]}),
]
Limit = Annotated[
    int | str,
    PlainValidator(amounts.parse_limit),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 0}, {"const": amounts.UNLIMITED}],
            "examples": [5, amounts.UNLIMITED],
        }
    ),
]
Day = Annotated[int, PlainValidator(change_windows.parse_day), _words(list(change_windows.DAYS))]
TimeOfDay = Annotated[
    int, PlainValidator(change_windows.parse_time), _text(change_windows.TIME_PATTERN, "09:00")
]
Zone = Annotated[
    str,
    PlainValidator(change_windows.parse_timezone),
    WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]}),
]
