"""A large place is read in parts: no task outlasts its deadline, and nobody is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from given import NOW_S, a_policy

from controller.clock import VirtualClock
from controller.kinds.lambda_function.kind import LambdaRules
from controller.model.endpoint import Kind
from controller.model.missing import Maybe, Missing
from controller.model.policy import FleetLimits, PolicySet, Scope
from controller.model.window import Series, SeriesQuery
from controller.runtime.counting import SloCounting
from controller.runtime.engine import Engine, Parts
from controller.runtime.health import Health
from controller.runtime.queue import WorkQueue
from controller.runtime.roster import Roster
from controller.runtime.samples import SampleBook
from controller.runtime.tasks import SamplePlace, Task, WorkOn
from controller.runtime.workers import AT_ONCE, Workers
from controller.store.sqlite import SqliteStore
from controller.telemetry.metrics import Telemetry

MANY = 2 * AT_ONCE + 10
PLACE = Scope("eu-west-1")


class Silent:
    """A CloudWatch without data that remembers whom it was asked about, call by call."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []

    def read(
        self, scope: Scope, queries: Sequence[SeriesQuery]
    ) -> Mapping[SeriesQuery, Maybe[Series]]:
        names = {value for q in queries for name, value in q.dimensions if name == "FunctionName"}
        self.asked.append(names)
        return {query: Missing("silent") for query in queries}


class Somebody:
    """Who we are."""

    def account(self, scope: Scope) -> str:
        return "123456789012"


def _engine(cloudwatch: Silent) -> Engine:
    clock, store = VirtualClock(NOW_S), SqliteStore.open(":memory:")
    plain = a_policy()
    named = (f"f{number:04d}" for number in range(MANY))
    policies = tuple(
        replace(plain, name=name, target=replace(plain.target, name=name)) for name in named
    )
    roster = Roster(Somebody(), {})
    telemetry = Telemetry(clock.now_s, "1", process=False)
    samples = SampleBook(cloudwatch, {Kind.LAMBDA_FUNCTION: LambdaRules()})
    counting = SloCounting(store, telemetry, samples)
    unused = cast(Any, None)
    parts = Parts(clock, store, roster, samples, unused, unused, telemetry, counting)
    engine = Engine(parts, PolicySet(policies, FleetLimits(), "digest"))
    engine.resync()
    return engine


def test_no_task_reads_more_than_its_part_and_all_are_read_in_turn() -> None:
    cloudwatch = Silent()
    engine = _engine(cloudwatch)
    clock = VirtualClock(NOW_S)
    queue: WorkQueue[Task] = WorkQueue(clock.monotonic_s)
    unused = cast(Any, None)
    workers = Workers(
        queue,
        engine,
        reloader=unused,
        housekeeper=unused,
        telemetry=Telemetry(clock.now_s, "1", process=False),
        health=Health(),
        clock=clock,
    )
    queue.add(SamplePlace(PLACE))
    worked_on, reads = [], []
    while (got := queue.get(0.0)) is not None:
        task, _ = got
        if isinstance(task, SamplePlace):
            before = len(cloudwatch.asked)
            workers._do(task)
            reads.append(set().union(*cloudwatch.asked[before:]))
        else:
            assert isinstance(task, WorkOn)
            worked_on.append(task.key.name)
        queue.done(task)
    assert [len(names) for names in reads] == [AT_ONCE, AT_ONCE, 10]
    assert len(set(worked_on)) == len(worked_on) == MANY
