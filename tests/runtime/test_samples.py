"""Windows kept of an endpoint: a bad answer for one series loses no history."""

from collections.abc import Mapping, Sequence

import pytest

from controller.core.periods import DAY_S, HOUR_S
from controller.kinds.lambda_function.kind import LambdaRules
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import Unreachable
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy, Scope, Slo, Source, Target
from controller.model.window import Series, SeriesQuery
from controller.runtime.samples import SampleBook, Samples, Wanted

KEY = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr", "live")
TARGET = Target(Kind.LAMBDA_FUNCTION, Scope("eu-west-1"), name="ocr", qualifier="live")
POLICY = Policy("ocr", TARGET, Slo(200.0), Source("p.yaml", 1, 1), "g1")
NOW_S = 1_800_000_000.0


class CloudWatch:
    """Ten in every period of every series; what is in `bad` is refused."""

    def __init__(self) -> None:
        self.bad: set[tuple[str, int]] = set()
        self.down = False
        self.asked: list[SeriesQuery] = []

    def read(
        self, scope: Scope, queries: Sequence[SeriesQuery]
    ) -> Mapping[SeriesQuery, Maybe[Series]]:
        if self.down:
            raise Unreachable("no way to CloudWatch")
        self.asked = list(queries)
        return {q: self._answer(q) for q in queries}

    def _answer(self, query: SeriesQuery) -> Maybe[Series]:
        if (query.metric, query.period_s) in self.bad:
            return Missing("StatusCode InternalError")
        times = range(int(query.start_s), int(query.end_s), query.period_s)
        return Series(tuple((float(t), 10.0) for t in times))


@pytest.fixture
def cloudwatch() -> CloudWatch:
    return CloudWatch()


@pytest.fixture
def book(cloudwatch: CloudWatch) -> SampleBook:
    return SampleBook(cloudwatch, {Kind.LAMBDA_FUNCTION: LambdaRules()})


def _read(book: SampleBook, now_s: float) -> Samples:
    book.read(TARGET.scope, [Wanted(KEY, POLICY, None)], now_s)
    samples = book.get(KEY)
    assert samples is not None
    return samples


@pytest.mark.parametrize("metric", ["Invocations", "Duration", "Errors", "Throttles"])
def test_two_weeks_with_a_bad_series_are_asked_for_again_whole(
    book: SampleBook, cloudwatch: CloudWatch, metric: str
) -> None:
    cloudwatch.bad = {(metric, int(HOUR_S))}
    first = _read(book, NOW_S)
    assert first.hourly == (), "half of the truth would be taken for a quiet endpoint"
    assert first.hourly_end_s == 0.0, "nothing may be learnt from it"
    assert first.recent, "what was answered is kept"
    cloudwatch.bad = set()
    second = _read(book, NOW_S + 300.0)
    assert second.hourly_end_s - second.hourly[0].start_s > 13.9 * DAY_S
    assert second.hourly_end_s > 0.0


def test_an_hour_with_a_bad_series_is_asked_for_again(
    book: SampleBook, cloudwatch: CloudWatch
) -> None:
    before = _read(book, NOW_S)
    cloudwatch.bad = {("Duration", int(HOUR_S))}
    during = _read(book, NOW_S + HOUR_S)
    assert during.hourly == before.hourly
    assert during.hourly_end_s == before.hourly_end_s
    cloudwatch.bad = set()
    after = _read(book, NOW_S + 2 * HOUR_S)
    starts = [window.start_s for window in after.hourly]
    assert starts == [starts[0] + HOUR_S * n for n in range(len(starts))], "no hour is missing"
    assert after.hourly_end_s == before.hourly_end_s + 2 * HOUR_S


def test_a_failed_read_keeps_what_was_there_and_says_why(
    book: SampleBook, cloudwatch: CloudWatch
) -> None:
    before = _read(book, NOW_S)
    cloudwatch.down = True
    during = _read(book, NOW_S + 300.0)
    assert during.hourly == before.hourly
    assert during.recent == before.recent
    assert isinstance(during.error, Unreachable)


def test_only_what_is_new_is_asked_for(book: SampleBook, cloudwatch: CloudWatch) -> None:
    _read(book, NOW_S)
    _read(book, NOW_S + 300.0)
    assert {query.period_s for query in cloudwatch.asked} == {300}
    assert all(query.end_s - query.start_s <= 3 * 300.0 for query in cloudwatch.asked)
