"""Logs Insights over HTTP: started in one tick, read in another."""

import pytest
from stub_aws import Answer, StillClock, StubAws, refusal

from controller.aws.calls import NoListener
from controller.aws.reports import QUERY, InsightsReportReader
from controller.model.errors import NotFound, Retryable, Terminal, Throttled
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.window import MemoryUse

GROUP = "/aws/lambda/ocr"


def row(**fields: str) -> list[dict[str, str]]:
    named = {"@memorySize" if k == "memory" else k: v for k, v in fields.items()}
    return [{"field": name, "value": value} for name, value in named.items()]


def complete(*rows: list[dict[str, str]], status: str = "Complete") -> Answer:
    return Answer({"status": status, "results": list(rows)})


@pytest.fixture
def reader(stub: StubAws, clock: StillClock) -> InsightsReportReader:
    stub.on("StartQuery", Answer({"queryId": "11111111-2222"}))
    return InsightsReportReader(stub.sessions(clock))


def test_the_query_covers_the_interval_with_an_inclusive_end(
    stub: StubAws, reader: InsightsReportReader, scope: Scope
) -> None:
    # CloudWatch Logs API, StartQuery: "the specified end time is included in the query".
    reader.start(scope, GROUP, 1000.0, 4600.0)
    assert stub.asked[0].body == {
        "logGroupName": GROUP,
        "startTime": 1000,
        "endTime": 4599,
        "queryString": QUERY,
    }


def test_rows_become_memory_use_by_size(
    stub: StubAws, reader: InsightsReportReader, scope: Scope
) -> None:
    token = reader.start(scope, GROUP, 1000.0, 4600.0)
    big = row(
        memory="3.008E9", maxUsed="512000000", n="40", cold="3", initMean="810.5", initP95="900"
    )
    small = row(memory="128000000", maxUsed="1.27E8", n="5", cold="0")
    stub.on("GetQueryResults", complete(big, small))
    assert reader.poll(scope, token) == (
        MemoryUse(
            1000.0,
            4600.0,
            128,
            127,
            5,
            0,
            Missing("no cold start in the interval"),
            Missing("no cold start in the interval"),
        ),
        MemoryUse(1000.0, 4600.0, 3008, 512, 40, 3, 900.0, 810.5),
    )
    assert stub.asked[-1].body == {"queryId": "11111111-2222"}


def test_another_process_can_read_what_one_started(
    stub: StubAws, clock: StillClock, reader: InsightsReportReader, scope: Scope
) -> None:
    token = reader.start(scope, GROUP, 1000.0, 4600.0)
    stub.on("GetQueryResults", complete(row(memory="128000000", maxUsed="64000000", n="1")))
    uses = InsightsReportReader(stub.sessions(clock)).poll(scope, token)
    assert uses is not None
    assert (uses[0].start_s, uses[0].end_s) == (1000.0, 4600.0)


@pytest.mark.parametrize("status", ["Scheduled", "Running"])
def test_it_does_not_wait(
    stub: StubAws, reader: InsightsReportReader, scope: Scope, status: str
) -> None:
    stub.on("GetQueryResults", complete(status=status))
    assert reader.poll(scope, reader.start(scope, GROUP, 0.0, 60.0)) is None


def test_no_lines_are_no_rows(stub: StubAws, reader: InsightsReportReader, scope: Scope) -> None:
    stub.on("GetQueryResults", complete())
    assert reader.poll(scope, reader.start(scope, GROUP, 0.0, 60.0)) == ()


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout", "Unknown"])
def test_a_failed_query_may_be_started_again(
    stub: StubAws, reader: InsightsReportReader, scope: Scope, status: str
) -> None:
    stub.on("GetQueryResults", complete(status=status))
    with pytest.raises(Retryable, match=f"ended as {status}"):
        reader.poll(scope, reader.start(scope, GROUP, 0.0, 60.0))


def test_an_unreadable_row_is_said_and_not_guessed(
    stub: StubAws, reader: InsightsReportReader, scope: Scope
) -> None:
    stub.on("GetQueryResults", complete(row(memory="128000000", n="5")))
    with pytest.raises(Terminal, match="maxUsed"):
        reader.poll(scope, reader.start(scope, GROUP, 0.0, 60.0))


def test_refusals(stub: StubAws, reader: InsightsReportReader, scope: Scope) -> None:
    stub.on("StartQuery", refusal("ResourceNotFoundException", "no such log group"))
    with pytest.raises(NotFound, match=GROUP):
        reader.start(scope, GROUP, 0.0, 60.0)
    stub.on("StartQuery", refusal("LimitExceededException", "too many concurrent queries"))
    with pytest.raises(Throttled):
        reader.start(scope, GROUP, 0.0, 60.0)


def test_an_empty_interval_is_a_mistake(reader: InsightsReportReader, scope: Scope) -> None:
    with pytest.raises(ValueError, match="nothing between"):
        reader.start(scope, GROUP, 60.0, 60.0)


def test_bytes_are_counted_as_they_are_billed(
    stub: StubAws, clock: StillClock, scope: Scope
) -> None:
    class Bill(NoListener):
        scanned = 0.0

        def on_bytes_scanned(self, count: float) -> None:
            self.scanned += count

    bill = Bill()
    stub.on("StartQuery", Answer({"queryId": "11111111-2222"}))
    running = Answer({"status": "Running", "results": [], "statistics": {"bytesScanned": 1.0}})
    ended = Answer({"status": "Complete", "results": [], "statistics": {"bytesScanned": 7e6}})
    stub.on("GetQueryResults", running, ended)
    reader = InsightsReportReader(stub.sessions(clock), bill)
    token = reader.start(scope, GROUP, 1000.0, 4600.0)
    assert reader.poll(scope, token) is None
    assert reader.poll(scope, token) == ()
    assert bill.scanned == 7e6
