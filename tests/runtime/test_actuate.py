"""Steps carried out: the journal says so before, and nothing is done without the lease."""

from collections.abc import Iterator, Mapping

import pytest
from given import a_change, a_state

from controller.clock import VirtualClock
from controller.model.change import Change, ChangeEvent, ChangePhase, Mutation, UpdateMemory
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.errors import AccessDenied, AdapterError, Conflict, NotFound, Terminal
from controller.model.policy import Scope, Selector
from controller.runtime.actuate import Actuator
from controller.store.sqlite import SqliteStore

NOW_S = 1_772_020_800.0
SCOPE = Scope("eu-west-1")
STEP = UpdateMemory(512, "r1")


class Aws:
    """Answers every call as it is told to."""

    def __init__(self) -> None:
        self.error: AdapterError | None = None
        self.calls = 0

    def discover(self, scope: Scope, selector: Selector) -> Mapping[str, Mapping[str, str]]:
        return {}

    def observe(self, scope: Scope, key: EndpointKey, *, thorough: bool = True) -> EndpointState:
        return a_state()

    def execute(self, scope: Scope, key: EndpointKey, step: Mutation) -> Mapping[str, str]:
        self.calls += 1
        if self.error is not None:
            raise self.error
        return {"learnt": "yes"}


class Lease:
    """Held until a test takes it away."""

    def __init__(self) -> None:
        self.ours = True
        self.doubted = False

    def term(self) -> int:
        return 1

    def held(self) -> bool:
        return self.ours

    def doubt(self) -> None:
        self.doubted = True


class Desk:
    """An actuator at work on one change."""

    def __init__(self) -> None:
        self.store = SqliteStore.open(":memory:")
        self.clock = VirtualClock(NOW_S)
        self.aws, self.lease = Aws(), Lease()
        self.actuator = Actuator(
            self.store, {Kind.LAMBDA_FUNCTION: self.aws}, self.lease, self.clock
        )
        change = a_change(phase=ChangePhase.APPLYING, id=0)
        planned = ChangeEvent(NOW_S, change.phase, "planned", "")
        self.id = self.store.plan_change(change, planned).id

    @property
    def change(self) -> Change:
        found = self.store.change(self.id)
        assert found is not None
        return found

    def told(self) -> list[str]:
        return [event.what for event in self.store.events(self.id)][1:]

    def mutate(self) -> bool:
        return self.actuator.mutate(SCOPE, self.change, a_state(), STEP)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.store.close()


def test_a_step_is_on_record_before_and_after(desk: Desk) -> None:
    assert desk.mutate()
    assert desk.told() == ["intent UpdateMemory", "done UpdateMemory"]
    assert desk.change.progress["learnt"] == "yes"


def test_without_the_lease_nothing_is_called_and_nothing_is_noted(desk: Desk) -> None:
    desk.lease.ours = False
    assert not desk.mutate()
    assert desk.aws.calls == 0
    assert desk.told() == []


@pytest.mark.parametrize("error", [Conflict("busy"), NotFound("no alias")])
def test_who_was_faster_is_noted_once(desk: Desk, error: AdapterError) -> None:
    desk.aws.error = error
    for _ in range(5):
        assert not desk.mutate()
    assert desk.told() == ["intent UpdateMemory", "refused UpdateMemory"]
    desk.aws.error = None
    assert desk.mutate()
    done = desk.store.events(desk.id)[-1]
    assert done.message.endswith(", refused 5 times before")
    assert not any(name.startswith("refused") for name in desk.change.progress)


def test_each_distinct_refusal_is_noted(desk: Desk) -> None:
    for text in ("denied", "denied", "busy", "denied"):
        desk.aws.error = AccessDenied(text)
        with pytest.raises(AccessDenied):
            desk.mutate()
    assert desk.told() == ["intent UpdateMemory", *["failed UpdateMemory"] * 3]
    assert float(desk.change.progress["refused_since_s"]) == NOW_S


def test_the_wait_grows_with_what_it_has_lasted(desk: Desk) -> None:
    desk.aws.error = AccessDenied("denied")
    waits = []
    for after_s in (0.0, 10.0, 100.0, 1000.0, 100_000.0):
        desk.clock.advance_to(NOW_S + after_s)
        with pytest.raises(AccessDenied) as raised:
            desk.mutate()
        waits.append(raised.value.retry_after_s)
    assert waits == [15.0, 15.0, 50.0, 500.0, 900.0]


def test_what_a_refusal_tells_is_remembered(desk: Desk) -> None:
    desk.aws.error = Terminal("at most 3008 MB", learnt={"memory_limit_mb": "3008"})
    with pytest.raises(Terminal):
        desk.mutate()
    assert desk.change.progress["memory_limit_mb"] == "3008"
    assert desk.change.progress["refused_for_good"] == "Terminal"


def test_a_step_asked_for_before_is_not_repeated_under_an_older_term(desk: Desk) -> None:
    desk.aws.error = Conflict("busy")
    assert not desk.mutate()
    desk.aws.error = None
    desk.store.raise_term(2)  # another replica has begun, and ours does not know of it yet
    assert not desk.mutate()
    assert desk.aws.calls == 1
    assert desk.lease.doubted
    assert desk.told()[-1] == "refused UpdateMemory", "the journal takes nothing from it either"


def test_what_is_written_carries_the_term(desk: Desk) -> None:
    assert desk.mutate()
    assert desk.change.term == 1
    assert [event.term for event in desk.store.events(desk.id)] == [0, 1, 1]
