"""Faults of requests, as a boto3 user meets them."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from controller.sandbox.extensions import state_of
from controller.sandbox.faults import Fault, FaultKind, FaultPlan
from controller.sandbox.front import Front
from controller.sandbox.limits import aws_limits


class Counter:
    """A toy Lambda that remembers what was really carried out."""

    def __init__(self) -> None:
        self.updates = 0

    @property
    def services(self) -> Any:
        """A table of services with this one in it."""
        return {
            "lambda": {"UpdateFunctionConfiguration": self.update, "Invoke": self.invoke},
            "cloudwatch": {"ListMetrics": lambda world, ctx, params: {"Metrics": []}},
            "logs": {"GetQueryResults": lambda world, ctx, params: {}},
            "sts": {"GetCallerIdentity": lambda world, ctx, params: {"Account": ctx.account}},
        }

    def update(self, world: Any, ctx: Any, params: Any) -> Any:
        self.updates += 1
        return {"FunctionName": params["FunctionName"]}

    def invoke(self, world: Any, ctx: Any, params: Any) -> Any:
        return {"StatusCode": 200, "Payload": b"{}", "_sleep_ms": 120.0}


@pytest.fixture
def toy() -> Counter:
    return Counter()


@pytest.fixture
def plan(world) -> FaultPlan:
    return state_of(world, Front).faults


def _update(client: Any) -> Any:
    return client.update_function_configuration(FunctionName="f", MemorySize=256)


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("lambda", _update, "TooManyRequestsException", 429),
        ("cloudwatch", lambda c: c.list_metrics(), "Throttling", 400),
        ("logs", lambda c: c.get_query_results(queryId="q"), "ThrottlingException", 400),
        ("sts", lambda c: c.get_caller_identity(), "Throttling", 400),
    ],
)
def test_each_service_throttles_in_its_own_words(
    connect, plan, toy, refusal, service, call, code, status
):
    """AWS: throttling is TooManyRequestsException (429) at Lambda, Throttling or
    ThrottlingException (400) elsewhere, with `Rate exceeded`."""
    plan.add(Fault(FaultKind.THROTTLE, times=1))
    client = connect(service, services=toy.services)
    assert refusal(lambda: call(client)) == (code, "Rate exceeded", status)
    call(client)


def test_boto3_retries_a_throttled_call(in_process, plan, toy, world):
    """AWS's SDK: throttling errors are retried, so a single one is not seen."""
    plan.add(Fault(FaultKind.THROTTLE, times=1))
    answer = _update(in_process("lambda", services=toy.services, attempts=2))
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    outcomes = [call.outcome for call in state_of(world, Front).recorder.calls()]
    assert outcomes == ["TooManyRequestsException", "ok"]


def test_a_broken_service_did_nothing(connect, plan, toy, refusal):
    """AWS: Lambda's own failure is ServiceException (500)."""
    plan.add(Fault(FaultKind.BROKEN, times=1))
    client = connect("lambda", services=toy.services)
    assert refusal(lambda: _update(client))[::2] == ("ServiceException", 500)
    assert toy.updates == 0


def test_a_broken_reply_hides_what_was_done(connect, plan, toy, refusal):
    """AWS: a 5xx says nothing about whether the call took effect."""
    plan.add(Fault(FaultKind.BROKEN_REPLY, times=1))
    client = connect("lambda", services=toy.services)
    assert refusal(lambda: _update(client))[2] == 500
    assert toy.updates == 1


@pytest.mark.parametrize(("kind", "updates"), [(FaultKind.DROP, 0), (FaultKind.DROP_REPLY, 1)])
def test_a_dropped_connection_before_and_after_the_deed(connect, plan, toy, kind, updates):
    """The network: a closed connection may hide a call that was carried out, or not."""
    plan.add(Fault(kind, times=1))
    client = connect("lambda", services=toy.services)
    with pytest.raises(ConnectionClosedError):
        _update(client)
    assert toy.updates == updates
    _update(client)


def test_an_unreachable_region(in_process, plan, toy):
    """The network: an endpoint that nobody reaches is EndpointConnectionError in boto3, and
    other regions are not touched."""
    plan.add(Fault(FaultKind.UNREACHABLE, region="eu-west-1"))
    with pytest.raises(EndpointConnectionError):
        _update(in_process("lambda", services=toy.services))
    _update(in_process("lambda", services=toy.services, region="us-east-1"))


def test_an_answer_that_never_comes(over_http, plan, toy):
    """The network: a client gives up after its read timeout."""
    plan.add(Fault(FaultKind.TIMEOUT, times=1, latency_ms=2_000))
    client = over_http("lambda", services=toy.services, read_timeout=0.2)
    with pytest.raises(ReadTimeoutError):
        _update(client)


def test_an_answer_that_never_comes_in_process(in_process, plan, toy):
    """The in-process door times out at once: its clock does not move by itself."""
    plan.add(Fault(FaultKind.TIMEOUT, times=1))
    with pytest.raises(ReadTimeoutError):
        _update(in_process("lambda", services=toy.services))


def test_an_action_that_no_policy_allows(connect, plan, toy, refusal):
    """AWS: a denied action is AccessDeniedException (403) at Lambda, naming user and action."""
    plan.add(Fault(FaultKind.DENIED, operation="UpdateFunctionConfiguration"))
    client = connect("lambda", services=toy.services)
    assert refusal(lambda: _update(client)) == (
        "AccessDeniedException",
        "User: arn:aws:iam::111122223333:user/sandbox is not authorized to perform: "
        "lambda:UpdateFunctionConfiguration because no identity-based policy allows the "
        "lambda:UpdateFunctionConfiguration action",
        403,
    )
    client.invoke(FunctionName="f")


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("lambda", _update, "ExpiredTokenException"),
        ("cloudwatch", lambda c: c.list_metrics(), "ExpiredToken"),
    ],
)
def test_expired_credentials(connect, plan, toy, refusal, service, call, code):
    """AWS: expired credentials are ExpiredTokenException, in the query family ExpiredToken."""
    plan.add(Fault(FaultKind.EXPIRED))
    client = connect(service, services=toy.services)
    assert refusal(lambda: call(client))[0] == code


def test_latency_is_real_over_http(over_http, toy, plan):
    """The HTTP door really waits: a data-plane call takes what the model says, plus faults."""
    client = over_http("lambda", services=toy.services)
    client.invoke(FunctionName="f")
    plan.add(Fault(FaultKind.LATENCY, latency_ms=100))
    started_s = time.monotonic()
    client.invoke(FunctionName="f")
    assert 0.21 < time.monotonic() - started_s < 2.0


def test_nothing_waits_in_process(in_process, toy, plan):
    """The in-process door answers at once, whatever the latency."""
    plan.add(Fault(FaultKind.LATENCY, latency_ms=60_000))
    started_s = time.monotonic()
    in_process("lambda", services=toy.services).invoke(FunctionName="f")
    assert time.monotonic() - started_s < 10.0


def test_a_token_bucket_lets_a_rate_pass_in_the_worlds_time(in_process, toy, plan, world):
    """AWS: per-operation limits are token buckets, e.g. 15 calls a second of Lambda's control
    plane; here in the world's time."""
    plan.add(Fault(FaultKind.THROTTLE, rate_per_s=2.0, burst=3.0))
    client = in_process("lambda", services=toy.services)

    def passed(calls: int) -> int:
        before = toy.updates
        for _ in range(calls):
            try:
                _update(client)
            except ClientError:
                continue
        return toy.updates - before

    assert passed(5) == 3
    world.advance(1.0)
    assert passed(5) == 2
    world.advance(100.0)
    assert passed(5) == 3


def test_awss_own_rates(in_process, toy, plan, refusal):
    """AWS: Lambda's control plane takes 15 calls a second per account and region, all
    operations together; invocations are not among them."""
    for limit in aws_limits():
        plan.add(limit)
    client = in_process("lambda", services=toy.services)
    for _ in range(15):
        _update(client)
    assert refusal(lambda: _update(client))[0] == "TooManyRequestsException"
    client.invoke(FunctionName="f")
    _update(in_process("lambda", services=toy.services, region="us-east-1"))


def test_a_chance_of_failing_repeats_with_the_seed(in_process, toy, plan):
    """The sandbox: random faults are the same in every run of a seed."""
    client = in_process("lambda", services=toy.services)

    def run() -> list[bool]:
        plan.clear()
        plan.reseed(3)
        plan.add(Fault(FaultKind.BROKEN, probability=0.4))
        outcomes = []
        for _ in range(40):
            before = toy.updates
            try:
                _update(client)
            except ClientError:
                assert toy.updates == before
            outcomes.append(toy.updates > before)
        return outcomes

    first = run()
    assert run() == first
    assert 10 < sum(first) < 35


def test_a_fault_is_about_the_calls_it_names(in_process, toy, plan, refusal):
    """The sandbox: a fault may be limited to a service, operation, account and region."""
    plan.add(Fault(FaultKind.BROKEN, service="lambda", account="444455556666"))
    _update(in_process("lambda", services=toy.services))
    in_process("sts", services=toy.services, key="AKIA-444455556666").get_caller_identity()
    other = in_process("lambda", services=toy.services, key="AKIA-444455556666")
    assert refusal(lambda: _update(other))[2] == 500


def test_removing_faults(in_process, toy, plan, refusal):
    """The sandbox: faults can be switched off one by one or all together."""
    client = in_process("lambda", services=toy.services)
    first = plan.add(Fault(FaultKind.BROKEN))
    plan.add(Fault(FaultKind.THROTTLE))
    assert plan.remove(first.number)
    assert not plan.remove(first.number)
    assert refusal(lambda: _update(client))[0] == "TooManyRequestsException"
    plan.clear()
    _update(client)


class Killed(BaseException):
    """The controller dies here."""


@pytest.mark.parametrize(("moment", "updates"), [("before", 0), ("after", 1)])
def test_a_crash_hook_kills_the_caller_at_a_call(in_process, toy, plan, world, moment, updates):
    """The sandbox: a BaseException of a hook passes through the real boto3 to the caller, and
    the call was carried out or not, as the moment says."""

    def kill(at: str, ctx: Any) -> None:
        if at == moment and ctx.operation == "UpdateFunctionConfiguration":
            raise Killed

    plan.hooks.append(kill)
    client = in_process("lambda", services=toy.services, attempts=5)
    with pytest.raises(Killed):
        _update(client)
    assert toy.updates == updates
    assert [call.outcome for call in state_of(world, Front).recorder.calls()] == ["Killed"]
    plan.clear()
    _update(client)


def test_a_mistake_of_a_handler_is_seen_in_process_and_not_retried_over_http(
    world, in_process, over_http, refusal
):
    """The sandbox: its own bugs surface; over HTTP as a client error, which no SDK retries."""
    broken = {"lambda": {"UpdateFunctionConfiguration": lambda *_: {"NoSuchMember": 1}}}
    with pytest.raises(TypeError, match="NoSuchMember"):
        _update(in_process("lambda", services=broken))
    client = over_http("lambda", services=broken, attempts=4)
    code, message, status = refusal(lambda: _update(client))
    assert (code, status) == ("SandboxError", 400)
    assert "NoSuchMember" in message
    assert len(state_of(world, Front).recorder.calls()) == 2


def test_the_date_of_an_answer_is_the_worlds_and_can_be_skewed(connect, toy, plan, world):
    """AWS: every answer has a Date header; a client can tell by it that its clock is off."""
    from email.utils import parsedate_to_datetime

    client = connect("sts", services=toy.services)

    def date_s() -> float:
        headers = client.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(headers["date"]).timestamp()

    assert date_s() == int(world.now_s())
    plan.clock_skew_s = -400.0
    assert date_s() == int(world.now_s()) - 400


def test_attaching_twice_answers_once(world, toy):
    """The sandbox: a session may be attached again without calls being answered twice."""
    from controller.sandbox.inprocess_door import attach

    session = boto3.Session("AKIA-111122223333", "s", region_name="eu-west-1")
    attach(session, world, toy.services)
    attach(session, world, toy.services)
    _update(session.client("lambda"))
    assert toy.updates == 1
