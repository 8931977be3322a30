"""A client of the control door, over one connection, with nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

_TIMEOUT_S = 300.0


class SandboxClientError(Exception):
    """The sandbox cannot be reached, or refused; in one sentence."""


class SandboxClient:
    """Talks to a sandbox by the URL that AWS_ENDPOINT_URL has. Thread-safe.

    Every method raises SandboxClientError.
    """

    def __init__(self, base_url: str, timeout_s: float = _TIMEOUT_S) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "http" or parts.hostname is None:
            raise SandboxClientError(f"{base_url!r} is not the http:// address of a sandbox.")
        self._base_url = base_url
        self._connection = http.client.HTTPConnection(
            parts.hostname, parts.port or 80, timeout=timeout_s
        )
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """The world's time, seconds since the epoch."""
        return float(self._ask("GET", "health")["now_s"])

    def clock(self) -> Mapping[str, Any]:
        """Time, the next event, and what is pending."""
        return self._ask("GET", "clock")

    def advance_to(self, instant_s: float) -> float:
        """Let the world live until an instant; returns its time."""
        return float(self._ask("POST", "clock", {"to_s": instant_s})["now_s"])

    def advance(self, seconds: float) -> float:
        """Let so many seconds pass; returns the world's time."""
        return float(self._ask("POST", "clock", {"advance_s": seconds})["now_s"])

    def health(self) -> Mapping[str, Any]:
        """Whether it lives, and its time."""
        return self._ask("GET", "health")

    def seed(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Add functions and workloads; the document is described in the sandbox's seeding."""
        return self._ask("POST", "seed", document)

    def functions(self) -> Sequence[Mapping[str, str]]:
        """Account, region and name of every function."""
        return list(self._ask("GET", "functions")["functions"])

    def endpoints(self) -> Sequence[Mapping[str, str]]:
        """`{account, region, name}` of every SageMaker endpoint."""
        found: Sequence[Mapping[str, str]] = self._ask("GET", "endpoints")["endpoints"]
        return found

    def add_fault(self, kind: str, **fields: Any) -> int:
        """Switch a fault on, by the fields of `Fault`; returns its number."""
        added = self._ask("POST", "faults", {"kind": kind, **fields})["faults"]
        return int(added[0]["number"])

    def remove_fault(self, number: int) -> None:
        """Switch one fault off."""
        self._ask("DELETE", f"faults/{number}")

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self._ask("DELETE", "faults")

    def calls(
        self, service: str | None = None, operation: str | None = None, limit: int = 1000
    ) -> Sequence[Mapping[str, Any]]:
        """The last recorded calls, oldest first."""
        wanted = {"service": service, "operation": operation, "limit": limit}
        query = urlencode({name: value for name, value in wanted.items() if value is not None})
        return list(self._ask("GET", f"calls?{query}")["calls"])

    def add_role(self, arn: str, **fields: Any) -> None:
        """Let a role be assumed; from the first one on, others are denied."""
        self._ask("POST", "roles", {"arn": arn, **fields})

    def reset(self) -> None:
        """Start with a new world."""
        self._ask("POST", "reset")

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        with self._lock:
            self._connection.close()

    def _ask(self, method: str, path: str, document: Any = None) -> Mapping[str, Any]:
        body = None if document is None else json.dumps(document).encode()
        with self._lock:
            status, text = self._exchange(method, f"/_sandbox/{path}", body)
        try:
            answer = json.loads(text)
        except ValueError as problem:
            raise SandboxClientError(f"{self._base_url} is not a sandbox.") from problem
        if status != 200:
            raise SandboxClientError(str(answer.get("error", f"HTTP {status}")))
        return dict(answer)

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """One request. A kept connection that the server closed meanwhile is opened anew."""
        fresh = self._connection.sock is None
        try:
            return self._once(method, path, body)
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            stale = isinstance(problem, (http.client.RemoteDisconnected, BrokenPipeError))
            if fresh or not stale:
                raise SandboxClientError(f"No sandbox answers at {self._base_url}.") from problem
        try:
            return self._once(method, path, body)
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            raise SandboxClientError(f"No sandbox answers at {self._base_url}.") from problem

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {} if body is None else {"Content-Type": "application/json"}
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()
