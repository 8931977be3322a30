"""What was asked of the sandbox: the last calls, and counts of all of them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

from controller.sandbox.wire.http import HttpRequest

_KEPT_CALLS = 20_000


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One request and how it ended.

    number: 1 for the first call of this world; time_s: the world's time; digest: the same
    for byte-identical requests; status: HTTP status, 0 where no answer was sent;
    outcome: "ok", the error's code, or what happened to the connection.
    """

    number: int
    time_s: float
    service: str
    operation: str
    account: str
    region: str
    principal: str
    digest: str
    status: int
    outcome: str

    def as_json(self) -> dict[str, Any]:
        """For the control door."""
        return asdict(self)


class Recorder:
    """The last calls in order, and how often each operation ended how."""

    def __init__(self, kept_calls: int = _KEPT_CALLS) -> None:
        self._calls: deque[RecordedCall] = deque(maxlen=kept_calls)
        self.counts: Counter[tuple[str, str, str]] = Counter()

    def add(self, call: RecordedCall) -> None:
        """Remember a call; the oldest one is forgotten when there are too many."""
        self._calls.append(call)
        self.counts[call.service, call.operation, call.outcome] += 1

    def calls(self, service: str | None = None, operation: str | None = None) -> list[RecordedCall]:
        """Kept calls, oldest first."""
        return [
            call
            for call in self._calls
            if service in (None, call.service) and operation in (None, call.operation)
        ]

    def actions(self) -> Iterator[tuple[str, str]]:
        """Every (service, operation) ever called, sorted: what a role must allow."""
        yield from sorted({(service, operation) for service, operation, _ in self.counts})

    def clear(self) -> None:
        """Forget everything."""
        self._calls.clear()
        self.counts.clear()


def digest_of(request: HttpRequest) -> str:
    """Sixteen hex digits over method, path, query and body."""
    head = f"{request.method} {request.path}?{request.query}\n".encode()
    return blake2b(head + request.body, digest_size=8).hexdigest()
