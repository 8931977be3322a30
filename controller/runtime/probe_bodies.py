"""Payloads of a policy, read for one run."""

from collections.abc import Sequence
from pathlib import Path

from controller.model.errors import Terminal
from controller.model.policy import Scope
from controller.model.probe import Body
from controller.model.probing import PayloadSource, Probing


def read_bodies(probing: Probing, scope: Scope) -> Sequence[Body]:
    """All payloads. Raises Terminal where one cannot be read."""
    return [_body(source) for source in probing.payloads]


def _body(source: PayloadSource) -> Body:
    return Body(
        _content(source),
        source.content_type,
        source.weight,
        source.accept,
        source.target_model,
        source.expect,
    )


def _content(source: PayloadSource) -> bytes:
    if source.inline is not None:
        return source.inline.encode()
    if source.file is None:
        raise Terminal(f"Payload {source.s3} cannot be read here.")
    try:
        return Path(source.file).read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Terminal(f"Payload {source.file} cannot be read: {why}.") from None
