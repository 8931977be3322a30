"""The dashboards on a real Prometheus that has seen the demo: every panel shows something."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from backfill import Backfilled, stamped
from dashboard_files import DASHBOARDS, dashboard, expressions

from controller.cli.demo_lines import Nobody
from controller.demo.play import Limits, Play
from controller.demo.stage import START_S, Setting, Stage, opened
from controller.model.decision import Assessment
from controller.telemetry.metrics import ReconcileResult, Telemetry

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

TWO_YEARS_S = 104 * 7 * 86_400.0
"""Weeks, so that the traffic is the demo's; long ago, as Prometheus knows no future."""
PLAYED_S = 1.5 * 3600.0
SCRAPE_S = 60.0
MAY_BE_EMPTY = {
    "rightsizer_budget_monthly_dollars": "no policy of the demo has a budget",
    "rightsizer_advice_savings_hourly_dollars": "advice needs more than the first hours",
    "rightsizer_aws_throttles_total": "nobody is throttled in the demo",
    "rightsizer_aws_refused_total": "nor held back",
    "ALERTS": "there are no rules here; what they rest on is",
}
"""What the demo does not feed, and why."""


class Scraper(Nobody):
    """In the place of workers and scrapes: tells that a look has ended, and keeps the page."""

    def __init__(self, stage: Stage) -> None:
        self._telemetry: Telemetry = stage.app.telemetry
        self._now_s = stage.clock.now_s
        self._next_s = 0.0
        self.samples: list[str] = []
        self._telemetry.workers(1, 8)

    def looked(self, assessment: Assessment) -> None:
        done = (assessment.key, assessment.policy, ReconcileResult.SUCCESS, 0.02)
        self._telemetry.reconcile_finished(*done)
        self._telemetry.queue_waited(0.01)
        if self._now_s() >= self._next_s:
            self._next_s = self._now_s() + SCRAPE_S
            self.samples += stamped(self._telemetry.render()[0].decode(), self._now_s())


@dataclass
class Fed:
    """A Prometheus, and the span that it knows."""

    prometheus: Backfilled
    start_s: float
    end_s: float


@pytest.fixture(scope="module")
def fed(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    tools = program("prometheus"), program("promtool")
    folder: Path = tmp_path_factory.mktemp("fed")
    start_s = START_S - TWO_YEARS_S
    end_s = start_s + PLAYED_S
    with opened(Setting(start_s=start_s)) as stage:
        scraper = Scraper(stage)
        Play(stage, scraper).run(Limits(end_s, rest_s=1e9))
    prometheus = Backfilled(*tools, folder, scraper.samples)
    try:
        yield Fed(prometheus, start_s, end_s)
    finally:
        prometheus.close()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_expression_shows_something_of_the_demo(fed: Fed, path: Path) -> None:
    wrong = []
    for where, expr in expressions(dashboard(path)):
        excused = any(re.search(rf"\b{name}\b", expr) for name in MAY_BE_EMPTY)
        if not fed.prometheus.series(expr, fed.start_s, fed.end_s) and not excused:
            wrong.append(f"{where}: {expr}")
    assert wrong == [], "\n".join(wrong)
