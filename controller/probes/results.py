"""What the generator brings back: a run as a file, with a version.

Samples are kept by column: a hundred thousand of them are then a few megabytes of JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from controller.model.missing import Maybe, known
from controller.model.probe import NOT_TOLD, TOO_FEW, ProbeOutcome, ProbeRun, Sample

VERSION = 1
_PLAIN = ("at_s", "latency_ms", "status", "error", "cold", "phase", "body")
_MAYBE = ("billed_ms", "duration_ms", "memory_used_mb")


def write_run(run: ProbeRun) -> str:
    """As JSON. What is Missing is null."""
    return json.dumps(
        {
            "version": VERSION,
            "outcome": run.outcome.value,
            "detail": run.detail,
            "started_at_s": run.started_at_s,
            "ended_at_s": run.ended_at_s,
            "dropped": run.dropped,
            "cpu_share": known(run.cpu_share),
            "littles_law_ratio": known(run.littles_law_ratio),
            "samples": sample_columns(run.samples),
        }
    )


def read_run(text: str) -> ProbeRun:
    """What `write_run` wrote. Raises ValueError where it cannot be read."""
    document = json.loads(text)
    if document.get("version") != VERSION:
        raise ValueError("the result was written by another version of the program")
    try:
        return ProbeRun(
            outcome=ProbeOutcome(document["outcome"]),
            detail=document["detail"],
            started_at_s=document["started_at_s"],
            ended_at_s=document["ended_at_s"],
            samples=samples_of(document["samples"]),
            dropped=document["dropped"],
            cpu_share=_or(document["cpu_share"], NOT_TOLD),
            littles_law_ratio=_or(document["littles_law_ratio"], TOO_FEW),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"the result is not whole: {error}") from None


def failed(detail: str, started_at_s: float, ended_at_s: float) -> ProbeRun:
    """A run that could not be run at all."""
    return ProbeRun(ProbeOutcome.FAILED, detail, started_at_s, ended_at_s)


def restamped(run: ProbeRun, started_at_s: float, ended_at_s: float) -> ProbeRun:
    """The run in the time of another clock."""
    return replace(run, started_at_s=started_at_s, ended_at_s=ended_at_s)


def sample_columns(samples: Sequence[Sample]) -> dict[str, list[Any]]:
    """Samples by field, for JSON."""
    columns = {name: [getattr(sample, name) for sample in samples] for name in _PLAIN}
    for name in _MAYBE:
        columns[name] = [known(getattr(sample, name)) for sample in samples]
    return columns


def samples_of(columns: Mapping[str, list[Any]]) -> tuple[Sample, ...]:
    """What `sample_columns` took apart."""
    plain = zip(*(columns[name] for name in _PLAIN), strict=True)
    maybe = zip(*(columns[name] for name in _MAYBE), strict=True)
    return tuple(_sample(values, told) for values, told in zip(plain, maybe, strict=True))


def _sample(values: tuple[Any, ...], told: tuple[Any, ...]) -> Sample:
    fields = dict(zip(_PLAIN, values, strict=True))
    fields |= {name: _or(value, NOT_TOLD) for name, value in zip(_MAYBE, told, strict=True)}
    return Sample(**fields)


def _or(value: Any, missing: Any) -> Maybe[Any]:
    return missing if value is None else value
