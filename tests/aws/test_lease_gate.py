"""The gate: asked just before each attempt of a changing call is sent, and of no other."""

from typing import Any

import pytest
from stub_aws import Answer, StillClock, StubAws, refusal

from controller.aws.errors import translated
from controller.aws.sessions import Connection, Sessions
from controller.model.errors import NoLease
from controller.model.policy import Scope

DONE = Answer({"FunctionName": "f", "MemorySize": 512})


class Gate:
    """Lets so many requests through."""

    def __init__(self, most: int) -> None:
        self.most, self.asked = most, 0

    def __call__(self) -> None:
        self.asked += 1
        if self.asked > self.most:
            raise NoLease("the lease would not outlast this call")


def _sessions(stub: StubAws, clock: StillClock, gate: Gate, **values: Any) -> Sessions:
    connection = Connection(endpoint_url=stub.url, **values)
    return Sessions(clock, connection, models=stub.models, gate=gate)


def _change(sessions: Sessions, scope: Scope) -> None:
    with translated("lambda", "UpdateFunctionConfiguration", scope):
        sessions.lambda_writes(scope).update_function_configuration(
            FunctionName="f", MemorySize=512
        )


def test_without_lease_nothing_is_sent(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("UpdateFunctionConfiguration", DONE)
    gate = Gate(0)
    with pytest.raises(NoLease):
        _change(_sessions(stub, clock, gate), scope)
    assert stub.asked == []
    assert gate.asked == 1, "and it is not tried again"


def test_each_attempt_is_asked_for(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("UpdateFunctionConfiguration", refusal("ServiceException", status=500), DONE)
    gate = Gate(1)
    with pytest.raises(NoLease):
        _change(_sessions(stub, clock, gate), scope)
    assert len(stub.asked) == 1
    assert gate.asked == 2


def test_looking_needs_no_lease(stub: StubAws, clock: StillClock, scope: Scope) -> None:
    stub.on("ListFunctions", Answer({"Functions": []}))
    _sessions(stub, clock, Gate(0)).lambda_reads(scope).list_functions()
    assert len(stub.asked) == 1


def test_a_changing_call_takes_no_longer_than_the_lease_allows(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    sessions = _sessions(stub, clock, Gate(9), write_call_s=5.5)
    writes: Any = sessions.lambda_writes(scope).meta.config
    reads: Any = sessions.lambda_reads(scope).meta.config
    assert (writes.connect_timeout, writes.read_timeout) == (1.5, 4.0)
    assert reads.read_timeout == 30.0
