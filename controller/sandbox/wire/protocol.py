"""What every protocol can do: read a request, write an answer, write an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.model import OperationModel

from controller.sandbox.wire.errors import ErrorAnswer
from controller.sandbox.wire.http import HttpRequest, HttpResponse

Labels = Mapping[str, str]
ReadParams = Callable[[HttpRequest, Labels], dict[str, Any]]
WriteAnswer = Callable[[Mapping[str, Any], str], HttpResponse]


class WireProtocol(Protocol):
    """One wire protocol of one service. `request_id` goes where the protocol has it."""

    def reader(self, operation: OperationModel) -> ReadParams:
        """Compile the function from a request (and its URI labels) to parameters."""

    def writer(self, operation: OperationModel) -> WriteAnswer:
        """Compile the function from a handler's members to an HTTP answer."""

    def error(self, answer: ErrorAnswer, request_id: str) -> HttpResponse:
        """An error in this protocol."""
