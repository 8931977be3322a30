"""Our own requests, told apart from everybody else's. Pure.

CloudWatch counts the requests of live probes like all others. Demand is what users ask, and the
SLO is what users get, so ours are taken out of every window that they fell into. They come back
in where users sent too few to judge the SLO by, or where the objective is what a client sees,
which only a probe can tell.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from controller.core.slo import count
from controller.core.stats import share_at_most
from controller.model.endpoint import Kind
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.policy import Covers, Slo
from controller.model.window import Window

ONLY_OURS = Missing("only our own requests fell into it")
UNREAD = Missing("not measured by a probe")
CERTAIN = 0.95
UNLIKE = 0.25
"""Log of the ratio of medians beyond which our payloads are not like users' requests."""
DAY_ROWS = 24
SHADOW, LIVE, USERS, MIRRORED = "probe", "live-probe", "cloudwatch", "mirrored"
"""What rows of evidence say that they come from. Mirrored ones are of users' own requests, told
by CloudWatch: nothing about them is to be put right."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Requests of one live probe."""

    start_s: float
    end_s: float
    requests: int
    slow: int
    """Of them, slower than the objective's threshold."""
    errors: int


def without(windows: Sequence[Window], sent: Sequence[Sent]) -> tuple[Window, ...]:
    """The windows without our own requests, spread evenly over the time of each probe.

    Where nobody else sent any, the window holds no requests and no latency.
    """
    if not sent:
        return tuple(windows)
    return tuple(_without(window, sent) for window in windows)


def _without(window: Window, sent: Sequence[Sent]) -> Window:
    shares = [(one, _share(one, window)) for one in sent]
    ours = round(sum(one.requests * share for one, share in shares))
    if ours == 0 or isinstance(window.requests, Missing):
        return window
    left = max(0, window.requests - ours)
    errors = window.errors
    if not isinstance(errors, Missing):
        failed = round(sum(one.errors * share for one, share in shares))
        errors = min(left, max(0, errors - failed))
    parts = tuple(_without(part, sent) for part in window.parts)
    window = replace(window, requests=left, errors=errors, parts=parts)
    if left == 0:
        return replace(
            window,
            met_ratio=ONLY_OURS,
            mean_ms=ONLY_OURS,
            p50_ms=ONLY_OURS,
            p95_ms=ONLY_OURS,
            warm=None,
        )
    if isinstance(window.met_ratio, Missing):
        return window
    slow = round((left + ours) * (1.0 - window.met_ratio))
    slow -= round(sum(one.slow * share for one, share in shares))
    return replace(window, met_ratio=1.0 - min(left, max(0, slow)) / left)


def _share(one: Sent, window: Window) -> float:
    """How much of a probe's time lies in a window."""
    overlap = min(one.end_s, window.end_s) - max(one.start_s, window.start_s)
    return max(0.0, overlap) / max(one.end_s - one.start_s, 1e-9)


def judged(
    recent: Sequence[Window], live: Sequence[Observation], slo: Slo, kind: Kind, now_s: float
) -> tuple[Window, ...]:
    """The windows that the SLO is judged by.

    `live` are rows of live probes. What a client sees, they alone tell; of what AWS measures
    they speak only where users sent too few requests to say whether the objective is met.
    """
    mine = [
        row
        for row in live
        if row.threshold_ms == slo.threshold_ms and row.end_s > now_s - slo.window_s
    ]
    client = slo.covers is Covers.CLIENT and kind is not Kind.LAMBDA_FUNCTION
    if client:
        counted = (replace(w, met_ratio=UNREAD, p95_ms=UNREAD) for w in recent)
        return _in_order([*counted, *map(_window, mine)])
    if not mine or not _unsure(recent, slo, now_s):
        return tuple(recent)
    return _in_order([*recent, *map(_window, mine)])


def _unsure(recent: Sequence[Window], slo: Slo, now_s: float) -> bool:
    """Whether the windows leave open if the objective is met."""
    inside = [w for w in recent if w.start_s >= now_s - slo.window_s]
    total = count(inside, slo.threshold_ms)
    p_met = share_at_most(1.0 - slo.percentile, total.slow, total.requests)
    return 1.0 - CERTAIN < p_met < CERTAIN


def _window(row: Observation) -> Window:
    return Window(
        start_s=row.start_s,
        end_s=row.end_s,
        requests=row.requests,
        threshold_ms=row.threshold_ms,
        met_ratio=row.met_ratio,
        mean_ms=row.mean_ms,
        p50_ms=row.p50_ms,
        p95_ms=row.p95_ms,
        errors=UNREAD,
        throttles=UNREAD,
        concurrency_peak=UNREAD,
    )


def _in_order(windows: Iterable[Window]) -> tuple[Window, ...]:
    return tuple(sorted(windows, key=lambda w: (w.end_s, w.start_s)))


def in_the_measure(
    rows: Sequence[Observation], slo: Slo, kind: Kind
) -> tuple[tuple[Observation, ...], tuple[Observation, ...]]:
    """What of all rows is evidence for the objective, and what live probes measured.

    A function's duration is the same whoever tells it. Of a SageMaker endpoint a live probe sees
    what a client sees: for an objective of that, it is all the evidence there is about the size
    that serves; for any other it is none, for the network is in it.
    """
    live = tuple(row for row in rows if row.source == LIVE)
    if kind is Kind.LAMBDA_FUNCTION:
        return tuple(rows), live
    if slo.covers is Covers.CLIENT:
        return tuple(row for row in rows if row.source in {LIVE, SHADOW}), live
    return tuple(row for row in rows if row.source != LIVE), live


def like_users(rows: Sequence[Observation], era: str) -> tuple[Observation, ...]:
    """The rows, with those of copies scaled up where our payloads clearly ask less than users
    do: compared at the size at which both were measured last.

    A payload that asks a third of what users ask would make every size look fast. One that asks
    more, or the network, makes all look slow: that errs to the careful side, and is left.
    """
    ratio = _ratio([row for row in rows if row.era == era])
    if ratio is None or math.log(ratio) <= UNLIKE:
        return tuple(rows)
    return tuple(_scaled(row, ratio) if row.source == SHADOW else row for row in rows)


def _ratio(rows: Sequence[Observation]) -> float | None:
    """Median latency of users' requests over that of ours; None where nothing tells."""
    ours = [row for row in rows if row.source == SHADOW and isinstance(row.load_rps, Missing)]
    for mine in sorted(ours, key=lambda row: row.start_s, reverse=True):
        users = [r.p50_ms for r in rows if r.source == USERS and r.size == mine.size]
        if users:
            same = [r.p50_ms for r in ours if r.size == mine.size]
            return statistics.median(users[-DAY_ROWS:]) / statistics.median(same)
    return None


def _scaled(row: Observation, ratio: float) -> Observation:
    return replace(
        row,
        mean_ms=row.mean_ms * ratio,
        p50_ms=row.p50_ms * ratio,
        p95_ms=row.p95_ms * ratio,
        met_ratio=Missing("of other requests than users'"),
    )
