"""The parts of the generator that need no Locust: arrivals, answers, stop rules, health."""

import base64
import itertools
import json
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.clock import VirtualClock
from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.probe import (
    NOT_TOLD,
    Body,
    Failure,
    ProbeKind,
    ProbeOutcome,
    ProbePlan,
    ProbeRun,
    ProbeTarget,
    Sample,
)
from controller.model.probing import Expect, Phase, StopRules
from controller.model.size import LambdaSize
from controller.probes.arrivals import arrivals
from controller.probes.generator.access import Access
from controller.probes.generator.answers import Answer, read_answer
from controller.probes.generator.health import Health
from controller.probes.generator.recorder import Recorder
from controller.probes.generator.report_line import Report, read_report
from controller.probes.generator.requests import requests_of
from controller.probes.generator.shares import share_of, together
from controller.probes.order import LAMBDA, SAGEMAKER, Order, order_of, read_order, write_order
from controller.probes.results import read_run, write_run
from controller.probes.stops import WINDOW, Stops

phases = st.lists(
    st.builds(
        Phase, st.floats(0.1, 200.0), st.floats(0.1, 200.0), st.floats(0.1, 30.0)
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip
PLAIN = Body(b"{}", "application/json", 1.0)


def order(**more: object) -> Order:
    whole = {
        "service": LAMBDA, "scope": Scope("eu-west-1"), "name": "ocr", "qualifier": "$LATEST",
        "variant": None, "bodies": (PLAIN,), "phases": (Phase(1.0, 9.0, 10.0),), "warm_up": 3,
        "max_in_flight": 8, "stop": StopRules(), "time_limit_s": 60.0, "seed": 1,
    }  # fmt: skip
    return Order(**{**whole, **more})  # type: ignore[arg-type]


@given(phases, st.integers(0, 99))
def test_arrivals_are_in_order_and_within_their_phase(ramp: list[Phase], seed: int) -> None:
    ends = [sum(phase.duration_s for phase in ramp[: n + 1]) for n in range(len(ramp))]
    before = 0.0
    for at_s, phase in arrivals(ramp, Random(seed)):
        assert at_s >= before
        begin_s = ends[phase] - ramp[phase].duration_s
        assert begin_s - 1e-6 <= at_s <= ends[phase] + 1e-6
        before = at_s


def test_as_many_arrive_as_the_rate_says_and_at_random() -> None:
    ramp = [Phase(10.0, 90.0, 100.0), Phase(5.0, 5.0, 100.0)]
    times = [at_s for at_s, _ in arrivals(ramp, Random(3))]
    # 5,000 and 500 on average; 1,500 in the first phase's first half, where the rate is low.
    assert abs(len(times) - 5500) < 5 * math.sqrt(5500)
    first_half = sum(at_s < 50.0 for at_s in times)
    assert abs(first_half - 1500) < 5 * math.sqrt(1500)
    gaps = [b - a for a, b in itertools.pairwise(times) if a > 100.0]
    mean = sum(gaps) / len(gaps)
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert 0.85 < spread / mean < 1.15  # of a Poisson process: 1
    assert times == [at_s for at_s, _ in arrivals(ramp, Random(3))]


def tail(*lines: str) -> str:
    return base64.b64encode("\n".join(lines).encode()).decode()


def test_report_lines_as_text_and_as_json() -> None:
    text = "REPORT RequestId: 1\tDuration: 12.34 ms\tBilled Duration: 213 ms\tMemory Size: 512 MB\t"
    text += "Max Memory Used: 77 MB\t"
    warm, cold = Report(12.34, 213.0, 77), Report(12.34, 213.0, 77, cold=True)
    assert read_report(tail("my own REPORT of things", text)) == warm
    assert read_report(tail(text + "Init Duration: 200.10 ms\t")) == cold
    assert read_report(tail(text + "Restore Duration: 200.10 ms\t")) == cold
    metrics = {"durationMs": 12.34, "billedDurationMs": 213.0, "maxMemoryUsedMB": 77}
    record = {"type": "platform.report", "record": {"metrics": metrics}}
    assert read_report(tail(json.dumps(record))) == warm
    for nothing in (None, "", "!", tail("nothing"), tail('{"platform.report"'), "gAAA"):
        assert read_report(nothing) == Report()


@pytest.mark.parametrize(
    ("service", "answer", "error"),
    [
        (LAMBDA, Answer(200, b"{}"), None),
        (LAMBDA, Answer(200, b'{"errorType": "KeyError"}', "Unhandled"), Failure.FUNCTION),
        (LAMBDA, Answer(200, b'{"errorType": "Runtime.OutOfMemory"}', "Unhandled"),
         Failure.OUT_OF_MEMORY),
        (LAMBDA, Answer(200, b'{"errorMessage": "1 Error: Runtime exited with error: signal: '
         b'killed"}', "Unhandled"), Failure.OUT_OF_MEMORY),
        (LAMBDA, Answer(200, b'{"errorMessage": "x Task timed out after 3.00 seconds"}',
         "Unhandled"), Failure.TIMEOUT),
        (LAMBDA, Answer(429, b'{"message": "Rate Exceeded."}'), Failure.THROTTLED),
        (LAMBDA, Answer(403, b'{"Message": "not authorized"}'), Failure.DENIED),
        (LAMBDA, Answer(500, b"<html>"), Failure.SERVICE),
        (LAMBDA, Answer(0, failure=Failure.UNREACHABLE, trouble="refused"), Failure.UNREACHABLE),
        (SAGEMAKER, Answer(424, b'{"Message": "secret of the model"}'), Failure.MODEL),
        (SAGEMAKER, Answer(400, b'{"message": "Endpoint x of account 1 not found."}'),
         Failure.NOT_FOUND),
        (SAGEMAKER, Answer(400, b'{"message": "too large"}'), Failure.REFUSED),
    ],
)  # fmt: skip
def test_what_an_answer_means(service: str, answer: Answer, error: Failure | None) -> None:
    reading = read_answer(service, PLAIN, answer)
    assert reading.error is error
    assert (reading.trouble == "") == (error is None)
    assert "secret" not in reading.trouble


@pytest.mark.parametrize(
    ("expect", "status", "body", "good"),
    [
        (Expect(), 204, b"", True),
        (Expect(status=404), 404, b"", True),
        (Expect(status=404), 200, b"", False),
        (Expect(contains="größe"), 200, "die größe".encode(), True),
        (Expect(contains="ok"), 200, b"ko", False),
        (Expect(matches=r'"score": 0\.\d'), 200, b'{"score": 0.9}', True),
        (Expect(matches=r'"score": 0\.\d'), 200, b'{"score": 1}', False),
        (Expect(json_has=("a.b", "c")), 200, b'{"a": {"b": null}, "c": 0}', True),
        (Expect(json_has=("a.b",)), 200, b'{"a": 1}', False),
        (Expect(json_has=("a",)), 200, b"<html>", False),
        (Expect(json_has=("a",), contains="x"), 200, b'{"a": 1}', False),
    ],
)
def test_errors_that_hide_behind_a_200(
    expect: Expect, status: int, body: bytes, good: bool
) -> None:
    payload = Body(b"", "text/plain", 1.0, expect=expect)
    assert (read_answer(LAMBDA, payload, Answer(status, body)).error is None) == good


def test_a_run_ends_on_its_p95_but_not_for_five_slow_ones() -> None:
    stops = Stops(StopRules(p95_ms=100.0, error_ratio=None))
    said = [stops.answered(500.0 if n % 20 == 0 else 50.0, failed=False) for n in range(400)]
    assert said == [None] * 400
    assert stops.waiting([500.0]) is None  # the oldest of the hundred was slow as well
    assert stops.waiting([500.0, 500.0]) is not None
    assert stops.waiting([99.0] * 50) is None
    assert "p95" in str(stops.answered(500.0, failed=False) or stops.answered(500.0, failed=False))


def test_a_failure_is_never_quick() -> None:
    stops = Stops(StopRules(p95_ms=100.0, error_ratio=None))
    assert [stops.answered(1.0, failed=True) for _ in range(6)][-1] is not None


def test_a_run_ends_on_errors_once_ten_have_come() -> None:
    stops = Stops(StopRules(error_ratio=0.05))
    said = [stops.answered(1.0, failed=n == 3) for n in range(10)]
    assert said[:9] == [None] * 9
    assert said[9] == "1 of the last 10 requests failed (at most 5% may)"
    assert Stops(StopRules(error_ratio=None)).answered(1.0, failed=True) is None


def test_a_run_ends_after_so_many_requests() -> None:
    stops = Stops(StopRules(max_requests=2))
    assert [stops.sent(-1.0), stops.sent(0.1)] == [None, None]
    assert stops.sent(0.2) == "the limit of 2 requests is reached"


def slices(*counts: tuple[int, int]) -> list[str | None]:
    stops = Stops(StopRules(error_ratio=None, max_requests=None))
    said = []
    for offered, answered in counts:
        for number in range(offered):
            stops.sent(float(number))
        for _ in range(answered):
            stops.answered(1.0, failed=False)
        said.append(stops.slice_ends())
    return said


def test_a_run_ends_when_more_load_brings_no_more_answers() -> None:
    assert slices((200, 200), (400, 395), (800, 790)) == [None, None, None]
    flat = slices((200, 200), (400, 300), (800, 310))
    assert flat[:2] == [None, None]
    assert flat[2] == "throughput is flat: 160 requests a second bring 62 answers"
    # As much load as before, or too few requests to tell, is no such sign.
    assert slices((400, 300), (400, 300), (20, 5)) == [None, None, None]


def healthy(**more: float) -> str | None:
    health = Health()
    for _ in range(1000):
        health.left(more.get("late_s", 0.001))
    for _ in range(20):
        health.second(more.get("busy", 0.3), 1.0)
    for _ in range(100):
        health.saw(int(more.get("in_flight", 10)))
    total_s = 1000 * 0.1
    return health.complaint(
        health.littles_law_ratio(total_s, 1000, 10.0), 1000, total_s, int(more.get("dropped", 0))
    )


def test_a_generator_under_strain_is_not_believed() -> None:
    assert healthy() is None
    assert "processor was busy (80% of a core)" in str(healthy(busy=0.8))
    assert "left more than 10 ms late" in str(healthy(late_s=0.02))
    assert "found no free place" in str(healthy(dropped=20))
    assert healthy(dropped=5) is None
    assert "0.50 times" in str(healthy(in_flight=5))


def test_a_size_that_is_too_slow_is_so_although_some_found_no_place() -> None:
    recorder = Recorder(Stops(StopRules(p95_ms=100.0)), 0.0)
    recorder.health.dropped = 500
    for _ in range(6):
        recorder.health.left(0.0)
        recorder.add(Sample(1.0, 900.0, 200, phase=0))
    run = recorder.result(2.0, 2.0)
    assert run.outcome is ProbeOutcome.ABORTED
    assert run.dropped == 500


def test_little_needs_enough_requests() -> None:
    health = Health()
    health.saw(3)
    assert isinstance(health.littles_law_ratio(1.0, 50, 1.0), Missing)


def test_what_can_never_succeed_is_not_tried_again() -> None:
    recorder = Recorder(Stops(StopRules()), 0.0)
    recorder.add(Sample(-1.0, 5.0, 403, Failure.DENIED), "status 403: not authorized")
    run = recorder.result(1.0, 0.0)
    assert recorder.why_ended is not None
    assert run.outcome is ProbeOutcome.FAILED
    assert run.detail == "The first request failed for good: status 403: not authorized."


def test_an_order_and_a_run_come_back_as_they_were_written() -> None:
    key = EndpointKey("123456789012", "eu-west-1", Kind.REALTIME_ENDPOINT, "ctr", "AllTraffic")
    scope = Scope("eu-west-1", "123456789012", "arn:aws:iam::123456789012:role/r", "x")
    body = Body(bytes(range(256)), "a/b", 2.0, "c/d", "m.tar.gz", Expect(200, json_has=("a.b",)))
    plan = ProbePlan(
        ProbeTarget(key, scope, "shadow", variant="AllTraffic"), ProbeKind.SHADOW,
        LambdaSize(512), (body,), (Phase(1.0, 2.0, 3.0),), 1, 2, StopRules(5.0), 60.0, 7,
    )  # fmt: skip
    written = order_of(plan)
    assert read_order(write_order(written)) == written
    assert written.service == SAGEMAKER
    with pytest.raises(ValueError, match="another version"):
        read_order('{"version": 0}')
    samples = (
        Sample(0.5, 12.0, 200, None, True, 13.0, 12.5, 77, 1, 2),
        Sample(0.6, 60_000.0, 0, Failure.TIMEOUT),
    )
    run = ProbeRun(ProbeOutcome.ABORTED, "so", 1.0, 2.0, samples, 3, 0.4)
    assert read_run(write_run(run)) == run
    for torn in ('{"version": 0}', '{"version": 1}', "{"):
        with pytest.raises(ValueError, match=r"version|whole|Expecting"):
            read_run(torn)


def test_requests_of_both_services_are_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    (invoke,) = requests_of(order())
    assert invoke.path == "/2015-03-31/functions/ocr/invocations?Qualifier=%24LATEST"
    assert dict(invoke.headers)["X-Amz-Log-Type"] == "Tail"
    body = Body(b"1,2", "text/csv", 1.0, "text/plain", "m.tar.gz")
    asked = order(service=SAGEMAKER, variant="Shadow", qualifier=None, bodies=(body,))
    (ask,) = requests_of(asked)
    assert ask.path == "/endpoints/ocr/invocations"
    headers = dict(ask.headers)
    assert headers["X-Amzn-SageMaker-Target-Variant"] == "Shadow"
    assert headers["X-Amzn-SageMaker-Target-Model"] == "m.tar.gz"
    assert (headers["Accept"], headers["Content-Type"]) == ("text/plain", "text/csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    clock = VirtualClock(1_800_000_000.0)
    access = Access(asked, clock)
    assert access.place.base_url == "https://runtime.sagemaker.eu-west-1.amazonaws.com"
    signature = access.signed(ask)["Authorization"]
    assert "/eu-west-1/sagemaker/aws4_request" in signature
    assert "x-amzn-sagemaker-target-variant" in signature
    clock.advance_to(1_800_000_000.9)
    assert access.signed(ask)["Authorization"] == signature  # one is good for a second …
    other = requests_of(order(service=SAGEMAKER, qualifier=None))[0]
    assert access.signed(other)["Authorization"] != signature
    kept = access.signed(ask)
    access.renew()
    anew = access.signed(ask)
    assert anew is not kept  # … or until there may be newer keys
    clock.advance_to(1_800_000_002.0)
    assert access.signed(ask) is not anew


def test_a_run_in_which_nothing_was_due_has_failed() -> None:
    run = Recorder(Stops(StopRules()), 0.0).result(2.0, 2.0)
    assert (run.outcome, run.detail) == (
        ProbeOutcome.FAILED,
        "No request was due in so short a time at that rate.",
    )


def test_shares_make_the_whole() -> None:
    whole = order(stop=StopRules(max_requests=100))
    shares = [share_of(whole, index, 4) for index in range(4)]
    assert sum(p.requests for share in shares for p in share.phases) == pytest.approx(50.0)
    assert sum(share.warm_up for share in shares) == whole.warm_up
    assert sum(share.max_in_flight for share in shares) == whole.max_in_flight
    assert len({share.seed for share in shares}) == 4
    parts = [
        ProbeRun(outcome, f"part {n}", float(n), 10.0 + n, (Sample(2.0 - n, 5.0, 200),), n, 0.1 * n)
        for n, outcome in enumerate([ProbeOutcome.SUCCEEDED, ProbeOutcome.ABORTED])
    ]
    run = together(parts, 2)
    assert (run.outcome, run.detail) == (ProbeOutcome.ABORTED, "part 1 (2 workers)")
    assert [sample.at_s for sample in run.samples] == [1.0, 2.0]
    assert (run.started_at_s, run.ended_at_s, run.dropped) == (0.0, 11.0, 1)
    assert run.cpu_share == pytest.approx(0.1)
    assert together(parts, 3).outcome is ProbeOutcome.DISCARDED
    assert parts[0].samples[0].billed_ms is NOT_TOLD
    assert WINDOW == 100
