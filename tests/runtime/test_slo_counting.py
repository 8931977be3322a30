"""Counters over restarts: what the journal keeps, and what a crash in between does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from given import a_policy, a_window
from hypothesis import given
from hypothesis import strategies as st

from controller.core.slo_ledger import Ledger, Totals, taken
from controller.kinds.lambda_function.kind import LambdaRules
from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Maybe
from controller.model.policy import Policy, Scope
from controller.model.window import Series, SeriesQuery
from controller.runtime.counting import SloCounting, read, written
from controller.runtime.samples import SampleBook, Wanted
from controller.store.sqlite import SqliteStore
from controller.telemetry.metrics import Telemetry

KEY = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr", "live")
START_S = 1_800_000_000.0
FAST_SHARE = 95.0
PER_WINDOW = 200


class SteadyCloudWatch:
    """200 requests in every five minutes, ten of them slow, two failed."""

    def read(
        self, scope: Scope, queries: Sequence[SeriesQuery]
    ) -> Mapping[SeriesQuery, Maybe[Series]]:
        values = {"Invocations": float(PER_WINDOW), "Duration": FAST_SHARE, "Errors": 2.0}
        answers: dict[SeriesQuery, Maybe[Series]] = {}
        for query in queries:
            times = range(int(query.start_s), int(query.end_s), query.period_s)
            scale = query.period_s / 300.0 if query.metric != "Duration" else 1.0
            value = values.get(query.metric, 0.0) * scale
            answers[query] = Series(tuple((float(t), value) for t in times))
        return answers


class Process:
    """One life of the controller, as far as counters go."""

    def __init__(self, journal: Path, policy: Policy) -> None:
        self.store = SqliteStore.open(journal)
        self.telemetry = Telemetry(lambda: START_S, "test", process=False)
        self.book = SampleBook(SteadyCloudWatch(), {Kind.LAMBDA_FUNCTION: LambdaRules()})
        self.counting = SloCounting(self.store, self.telemetry, self.book)
        self.policy = policy

    def tick(self, now_s: float) -> None:
        wanted = [Wanted(KEY, self.policy, None)]
        self.book.read(self.policy.target.scope, wanted, now_s)
        self.counting.take(wanted)

    def exposed(self, short: str) -> float:
        lines = self.telemetry.render()[0].decode().splitlines()
        (line,) = [x for x in lines if x.startswith(f"rightsizer_{short}{{")]
        return float(line.rsplit(" ", 1)[1])


def test_a_restart_goes_on_where_the_last_process_stopped(tmp_path: Path) -> None:
    policy, journal = a_policy(), tmp_path / "journal.db"
    first = Process(journal, policy)
    for tick in range(4):
        first.tick(START_S + tick * 300.0)
    before = first.exposed("slo_requests_total")
    assert before == PER_WINDOW * (35 + 3)  # three hours less what is not published yet
    first.store.close()
    second = Process(journal, policy)
    second.tick(START_S + 3 * 300.0)
    assert second.exposed("slo_requests_total") == before
    second.tick(START_S + 9 * 300.0)
    assert second.exposed("slo_requests_total") == before + 6 * PER_WINDOW
    assert second.exposed("slo_slow_requests_total") == (before + 6 * PER_WINDOW) * 0.05
    assert second.exposed("slo_failed_requests_total") == (before + 6 * PER_WINDOW) * 0.01
    second.store.close()


def test_a_read_that_the_journal_could_not_keep_is_not_shown(tmp_path: Path) -> None:
    """Else the counter would go back at the restart, and Prometheus would count twice."""
    process = Process(tmp_path / "journal.db", a_policy())
    process.tick(START_S)
    before = process.exposed("slo_requests_total")
    process.store.close()
    with pytest.raises(Exception, match="journal"):
        process.tick(START_S + 300.0)
    assert process.exposed("slo_requests_total") == before


def test_two_weeks_of_exactly_the_budget_leave_nothing(tmp_path: Path) -> None:
    process = Process(tmp_path / "journal.db", a_policy())
    process.tick(START_S)
    assert process.exposed("slo_error_budget_remaining_ratio") == pytest.approx(0.0, abs=1e-9)
    process.store.close()


def test_a_forgotten_endpoint_goes_on_when_it_comes_back(tmp_path: Path) -> None:
    process = Process(tmp_path / "journal.db", a_policy())
    process.tick(START_S)
    before = process.exposed("slo_requests_total")
    process.counting.forget(KEY)
    process.telemetry.forget(KEY)
    assert "slo_requests_total{" not in process.telemetry.render()[0].decode()
    process.tick(START_S + 300.0)
    assert process.exposed("slo_requests_total") == before + PER_WINDOW
    process.store.close()


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5000)), max_size=20),
    st.floats(1.0, 1e5),
)
def test_what_is_written_is_what_is_read(looks: list[tuple[int, int]], threshold_ms: float) -> None:
    windows = [
        replace(a_window(START_S + 300.0 * i), requests=n, threshold_ms=threshold_ms)
        for i, n in looks
    ]
    ledger = taken(Ledger(Totals(7, 3, 1)), windows, threshold_ms)
    assert read(written(ledger)) == ledger
