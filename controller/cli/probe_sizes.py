"""Sizes as people write them: `1536`, `1.5GB`, `ml.c5.xlarge`."""

import re

import click

from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(mb|gb|m|g)?", re.IGNORECASE)


def parse_size(text: str, current: Size) -> Size:
    """The size that is meant, of the kind of the current one. Raises UsageError."""
    if isinstance(current, RealtimeSize):
        if not re.fullmatch(r"ml\.[a-z0-9]+\.[a-z0-9]+", text):
            raise click.UsageError(f"{text!r} is no instance type, such as ml.c5.xlarge.")
        return RealtimeSize(text, 1, 1)
    from controller.policy.checks_bounds import LAMBDA_RANGE_MB, SERVERLESS_STEPS_MB

    memory_mb = parse_memory(text)
    if isinstance(current, LambdaSize):
        low, high = LAMBDA_RANGE_MB
        if not low <= memory_mb <= high:
            raise click.UsageError(f"A function has {low} to {high} MB, not {memory_mb}.")
        return LambdaSize(memory_mb)
    if memory_mb not in SERVERLESS_STEPS_MB:
        steps = ", ".join(map(str, SERVERLESS_STEPS_MB))
        raise click.UsageError(f"A serverless endpoint has one of {steps} MB, not {memory_mb}.")
    return ServerlessSize(memory_mb, current.max_concurrency)


def parse_memory(text: str) -> int:
    """Megabytes. Raises UsageError."""
    found = _MEMORY.fullmatch(text.strip())
    if found is None:
        raise click.UsageError(f"{text!r} is no memory size, such as 1536 or 2GB.")
    unit = (found.group(2) or "mb").lower()
    value = float(found.group(1)) * (1024.0 if unit.startswith("g") else 1.0)
    if value != int(value) or value < 1:
        raise click.UsageError(f"{text!r} is no whole number of megabytes.")
    return int(value)
