"""The recorder tells of turns once, and a restart is no turn."""

from dataclasses import replace

from telemetry_values import KEY, POLICY, SLO, assessment

from controller.model.demand import Attainment
from controller.runtime.record import DOCUMENT_EVERY_S, Recorder
from controller.store.sqlite import SqliteStore
from controller.telemetry.metrics import Telemetry
from controller.telemetry.notify.events import Event

NO_BUDGET = replace(POLICY, budget_usd_per_month=None)
BROKEN = replace(SLO, attainment=Attainment.BREACHED)
UNKNOWN = replace(SLO, attainment=Attainment.UNKNOWN)


class Ear:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def tell(self, event: Event) -> None:
        assert event.key == KEY
        self.heard.append(event.type)


def recorder(store: SqliteStore, ear: Ear) -> Recorder:
    return Recorder(store, Telemetry(lambda: 0.0, "test", process=False), ear)


def test_a_broken_slo_is_told_once_and_so_is_its_end() -> None:
    store, ear = SqliteStore.open(":memory:"), Ear()
    told = recorder(store, ear)
    for slo in (SLO, BROKEN, BROKEN, UNKNOWN, BROKEN, SLO):
        told.record(NO_BUDGET, assessment(slo=slo))
    assert ear.heard == ["SloBreached", "SloRestored"]


def test_a_restart_tells_only_what_turned_meanwhile() -> None:
    store = SqliteStore.open(":memory:")
    recorder(store, Ear()).record(NO_BUDGET, assessment(slo=BROKEN))
    same, other = Ear(), Ear()
    recorder(store, same).record(NO_BUDGET, assessment(slo=BROKEN))
    assert same.heard == []
    recorder(store, other).record(NO_BUDGET, assessment(slo=SLO))
    assert other.heard == ["SloRestored"]


def test_nobody_to_tell_is_fine() -> None:
    store = SqliteStore.open(":memory:")
    Recorder(store, Telemetry(lambda: 0.0, "test", process=False)).record(NO_BUDGET, assessment())


def test_who_was_replaced_in_the_middle_of_a_tick_writes_and_tells_nothing() -> None:
    store, ear = SqliteStore.open(":memory:"), Ear()
    leads = True
    old = Recorder(store, Telemetry(lambda: 0.0, "test", process=False), ear, leads=lambda: leads)
    old.record(NO_BUDGET, assessment(slo=SLO))
    leads = False
    recorder(store, Ear()).record(NO_BUDGET, assessment(slo=SLO))
    said, conditions = store.assessment(KEY), store.conditions(KEY)
    old.record(NO_BUDGET, assessment(slo=BROKEN))
    assert (store.assessment(KEY), store.conditions(KEY)) == (said, conditions)
    assert ear.heard == []


def test_what_another_replica_wrote_last_is_set_right_within_the_hour() -> None:
    store = SqliteStore.open(":memory:")
    leader = recorder(store, Ear())
    seen = assessment(slo=SLO)
    leader.record(NO_BUDGET, seen)
    right = store.conditions(KEY)
    recorder(store, Ear()).record(NO_BUDGET, assessment(slo=BROKEN))
    assert store.conditions(KEY) != right
    leader.record(NO_BUDGET, replace(seen, at_s=seen.at_s + DOCUMENT_EVERY_S))
    statuses = [(one.type, one.status) for one in store.conditions(KEY)[KEY]]
    assert statuses == [(one.type, one.status) for one in right[KEY]]
