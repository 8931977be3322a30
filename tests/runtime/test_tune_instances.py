"""The search among instance types, with copies that the benchmark's true machines stand for."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.capacity_world import ERA, Case, generated, live_of, probed
from controller.core.probe_cost import Tariff
from controller.kinds.realtime_endpoint.kind import RealtimeSizing
from controller.model.endpoint import EndpointKey, EndpointState, Kind, Phase
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.probe import ProbeKind, ProbeOutcome, ProbeRecord, ProbeRun
from controller.model.probing import PayloadSource, Probing
from controller.model.size import RealtimeSize
from controller.runtime.probe_parts import Asked, Ended
from controller.runtime.probe_results import found_in
from controller.runtime.tune_instances import InstanceShot
from controller.runtime.tune_parts import Subject
from controller.runtime.tune_table import Tuned, monthly_saving, tune_table

pytestmark = pytest.mark.slow
KEY = EndpointKey("123456789012", "us-east-1", Kind.REALTIME_ENDPOINT, "shop", "AllTraffic")


class Machines:
    """Copies on true machines, at list prices."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.asked: list[Asked] = []
        self.at_s = 0.0

    def measure(self, asked: Sequence[Asked]) -> list[Ended]:
        return [self._one(one) for one in asked]

    def _one(self, asked: Asked) -> Ended:
        self.asked.append(asked)
        size, load = asked.order.size, asked.order.phases[-1]
        assert isinstance(size, RealtimeSize)
        before = sum(1 for one in self.asked if one.order.size == size)
        span = (asked.order.duration_s, before)
        rows = tuple(
            replace(row, source="probe", era=ERA)
            for row in probed(self.case, size.instance_type, load.from_rps, span)
        )
        began_s, self.at_s = self.at_s, self.at_s + asked.order.duration_s
        rate = asked.rate
        run = ProbeRun(ProbeOutcome.SUCCEEDED, "ran to its end", began_s, self.at_s)
        record = ProbeRecord(
            id=f"probe-{len(self.asked)}",
            key=KEY,
            kind=ProbeKind.SHADOW,
            size=size,
            actor="cli:somebody",
            started_at_s=began_s,
            ended_at_s=self.at_s,
            outcome=run.outcome,
            detail=run.detail,
            usd_estimated=asked.order.usd,
            usd=rate if isinstance(rate, Missing) else rate.standing_usd(self.at_s - began_s),
            requests=round(asked.order.requests),
        )
        return Ended(asked, record, run, found_in(run, KEY.kind, asked.slo.covers), rows)

    def lambda_prices(self, region: str, architecture: str) -> Missing:
        return Missing("not asked")

    def serverless_prices(self, region: str) -> Missing:
        return Missing("not asked")

    def hosting_prices(self, region: str) -> object:
        return self.case.prices


def searched(case: Case, max_usd: float | None = None) -> tuple[Subject, Tuned, Machines]:
    live = live_of(case.current)
    state = EndpointState(KEY, case.current, Phase.STABLE, "e1", {}, 0.0, live)
    subject = Subject(
        key=KEY,
        scope=Scope("us-east-1"),
        policy=case.policy,
        probing=Probing((PayloadSource(inline="{}"),), shadows=True),
        state=state,
        era=ERA,
        demand=case.demand,
        rows=case.live_rows,
        actor="cli:somebody",
    )
    sizing = RealtimeSizing(case.prices, live, case.current, "us-east-1")
    machines = Machines(case)
    shot = InstanceShot(subject, sizing, machines, machines.measure, say=lambda _: None)  # type: ignore[arg-type]
    return subject, shot.run(max_usd), machines


def test_a_cheaper_fleet_is_found_and_its_price_is_told() -> None:
    case = generated(3)
    subject, tuned, machines = searched(case)
    chosen = tuned.chosen
    assert isinstance(chosen, RealtimeSize)
    assert not case.violates(chosen)
    assert case.usd_per_month(chosen) < case.usd_per_month(case.current)
    saving = monthly_saving(subject, tuned)
    assert isinstance(saving, float)
    assert saving > 0.0
    assert tuned.spending.copies == len(machines.asked) > 1
    assert isinstance(machines.asked[0].rate, Tariff)
    assert tuned.spending.usd > 0.0
    rows = tune_table(subject, tuned)
    assert [row.size for row in rows if row.chosen] == [chosen]
    assert tuned.why


def test_a_budget_ends_it() -> None:
    _, tuned, _ = searched(generated(3), max_usd=0.12)
    assert tuned.spending.usd <= 0.12
