"""Every call is counted as it was, and none exceeds our share of AWS's patience."""

from typing import Any, ClassVar

import pytest
from stub_aws import Answer, StillClock, StubAws, assumed, refusal

from controller.aws.budgets import AWS_LIMITS, CallBudgets, Limit
from controller.aws.calls import CallWatch, NoListener
from controller.aws.sessions import Connection, Sessions
from controller.model.errors import Throttled
from controller.model.policy import Scope

OK = Answer({"Functions": []})


class Tally(NoListener):
    """Remembers everything it hears."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str, float, int]] = []
        self.throttled: list[tuple[str, str]] = []
        self.refused: list[tuple[str, str]] = []

    def on_call(self, *what: Any) -> None:
        self.calls.append(what)

    def on_throttled(self, *what: Any) -> None:
        self.throttled.append(what)

    def on_refused(self, *what: Any) -> None:
        self.refused.append(what)


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore waits between attempts; here nobody does."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


def test_a_call_is_counted_with_its_time(
    stub: StubAws, clock: StillClock, scope: Scope, tally: Tally
) -> None:
    def slow(_: object) -> Answer:
        clock.forward(0.25)
        return OK

    stub.on("ListFunctions", slow)
    stub.sessions(clock, CallWatch(clock, tally)).lambda_reads(scope).list_functions()
    assert tally.calls == [("lambda", "ListFunctions", "OK", 0.25, 0)]


@pytest.mark.usefixtures("no_backoff")
def test_retries_and_throttled_attempts_are_counted(
    stub: StubAws, clock: StillClock, scope: Scope, tally: Tally
) -> None:
    throttled = refusal("TooManyRequestsException", status=429)
    stub.on("ListFunctions", throttled, refusal("ServiceException", status=500), OK)
    sessions = stub.sessions(clock, CallWatch(clock, tally), max_attempts=3)
    sessions.lambda_reads(scope).list_functions()
    assert tally.calls == [("lambda", "ListFunctions", "OK", 0.0, 2)]
    assert tally.throttled == [("lambda", "ListFunctions")]


@pytest.mark.usefixtures("no_backoff")
def test_failures_are_counted_by_their_code(
    stub: StubAws, clock: StillClock, scope: Scope, tally: Tally
) -> None:
    stub.on("ListFunctions", refusal("AccessDeniedException", status=403))
    sessions = stub.sessions(clock, CallWatch(clock, tally))
    with pytest.raises(Exception, match="AccessDenied"):
        sessions.lambda_reads(scope).list_functions()
    nowhere = Connection(endpoint_url="http://127.0.0.1:9", max_attempts=2)
    with pytest.raises(Exception, match="Could not connect"):
        Sessions(clock, nowhere, watch=CallWatch(clock, tally)).lambda_reads(scope).list_functions()
    assert [(call[2], call[4]) for call in tally.calls] == [
        ("AccessDeniedException", 0),
        ("EndpointConnectionError", 1),
    ]


def test_calls_that_credentials_need_are_counted_too(
    stub: StubAws, clock: StillClock, tally: Tally
) -> None:
    stub.on("AssumeRole", assumed("ASIAROLE", "2030-01-01T00:00:00Z"))
    stub.on("ListFunctions", OK)
    role = Scope("eu-west-1", role_arn="arn:aws:iam::111122223333:role/tuner")
    stub.sessions(clock, CallWatch(clock, tally)).lambda_reads(role).list_functions()
    assert sorted(call[:3] for call in tally.calls) == [
        ("lambda", "ListFunctions", "OK"),
        ("sts", "AssumeRole", "OK"),
    ]


def test_a_used_up_budget_refuses_without_asking_aws(
    stub: StubAws, clock: StillClock, scope: Scope, tally: Tally
) -> None:
    stub.on("ListFunctions", OK)
    budgets = CallBudgets(clock, limits={"lambda": Limit(2.0, 3.0)}, share=1.0)
    client = stub.sessions(clock, CallWatch(clock, tally, budgets)).lambda_reads(scope)
    for _ in range(3):
        client.list_functions()
    with pytest.raises(Throttled, match="own budget for lambda calls in eu-west-1") as caught:
        client.list_functions()
    assert caught.value.retry_after_s == pytest.approx(0.5)
    assert len(stub.asked) == len(tally.calls) == 3
    assert tally.refused == [("lambda", "ListFunctions")]
    clock.forward(0.5)
    client.list_functions()


@pytest.mark.usefixtures("no_backoff")
def test_retries_use_up_the_budget(
    stub: StubAws, clock: StillClock, scope: Scope, tally: Tally
) -> None:
    stub.on("ListFunctions", refusal("ServiceException", status=500), OK)
    budgets = CallBudgets(clock, limits={"lambda": Limit(1.0, 2.0)}, share=1.0)
    client = stub.sessions(clock, CallWatch(clock, tally, budgets), max_attempts=2)
    client.lambda_reads(scope).list_functions()
    with pytest.raises(Throttled):
        client.lambda_reads(scope).list_functions()


def take(budgets: CallBudgets, operation: str = "GetAlias", **where: str) -> None:
    at = {"account": "1", "region": "eu-west-1", "service": "lambda", **where}
    budgets.take(at["account"], at["region"], at["service"], operation)


def test_accounts_and_regions_have_budgets_of_their_own(clock: StillClock) -> None:
    budgets = CallBudgets(clock, limits={"lambda": Limit(1.0, 1.0)}, share=1.0)
    for where in ({}, {"account": "2"}, {"region": "us-east-1"}):
        take(budgets, **where)
        with pytest.raises(Throttled):
            take(budgets, **where)


def test_get_function_has_its_own_allowance_and_invoke_none(clock: StillClock) -> None:
    # Lambda quotas: GetFunction 100/s, all other control plane calls together 15/s.
    budgets = CallBudgets(clock, share=1.0)
    for _ in range(int(AWS_LIMITS["lambda"].burst)):
        take(budgets, "GetAlias")
    with pytest.raises(Throttled):
        take(budgets, "UpdateAlias")
    for _ in range(100):
        take(budgets, "GetFunction")
    for _ in range(1000):
        take(budgets, "Invoke")
    take(budgets, "DescribeAnything", service="unheard-of")


def test_the_rate_over_time_is_our_share_of_the_limit(clock: StillClock) -> None:
    budgets = CallBudgets(clock, share=0.5)
    granted = 0
    for _ in range(1000):
        clock.forward(0.01)
        try:
            take(budgets)
            granted += 1
        except Throttled:
            pass
    assert granted == pytest.approx(0.5 * (15 * 10 + 30), abs=2)


def test_with_a_sleep_short_waits_are_waited_and_long_ones_refused(clock: StillClock) -> None:
    waited: list[float] = []
    budgets = CallBudgets(
        clock, limits={"lambda": Limit(1.0, 1.0)}, share=1.0, sleep=waited.append, max_wait_s=2.0
    )
    for _ in range(3):
        take(budgets)
    with pytest.raises(Throttled) as caught:
        take(budgets)
    assert waited == [1.0, 2.0]
    assert caught.value.retry_after_s == 3.0


def test_a_pause_saves_up_no_more_than_a_burst(clock: StillClock) -> None:
    budgets = CallBudgets(clock, limits={"lambda": Limit(1.0, 2.0)}, share=1.0)
    take(budgets)
    clock.forward(3600)
    take(budgets)
    take(budgets)
    with pytest.raises(Throttled):
        take(budgets)


def test_a_hook_that_answers_for_aws_hides_no_call(
    stub: StubAws, clock: StillClock, scope: Scope, tally: Tally
) -> None:
    class Http:
        status_code = 200
        headers: ClassVar[dict[str, str]] = {}

    def hook(session: Any) -> None:
        answer = (Http(), {"Functions": []})
        session.get_component("event_emitter").register("before-call", lambda **_: answer)

    sessions = Sessions(clock, watch=CallWatch(clock, tally), hook=hook)
    sessions.lambda_reads(scope).list_functions()
    assert tally.calls == [("lambda", "ListFunctions", "OK", 0.0, 0)]


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1])
def test_a_share_is_a_share(clock: StillClock, share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        CallBudgets(clock, share=share)
