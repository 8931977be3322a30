"""The loop with copies: a size is measured before production sees it, and its price is told."""

from pathlib import Path

from virtual_account import ACCOUNT, HOUR_S, REGION, Account, function, key_of, policy

from controller.model.change import ChangePhase
from controller.model.condition import ConditionType
from controller.model.demand import Attainment, Demand, SloStatus
from controller.model.missing import Missing
from controller.model.policy import Mode
from controller.model.probe import ProbeKind, ProbeOutcome
from controller.model.probing import LiveProbe, PayloadSource, Probing
from controller.model.reason import Reason
from controller.sandbox.truth import cheapest_size, truth_of

PAYLOAD = (PayloadSource(inline="{}"),)
ABALONE_SLO_MS = 60.0


def abalone() -> dict[str, object]:
    """The experiment of the published tuner: 1,024 MB in use, about 300 are enough for a p95 of
    53 ms (a few hundred requests a second there; the size does not depend on how many)."""
    return function(
        "abalone",
        1024,
        rps=8.0,
        ms_at_vcpu=12.5,
        fixed_share=0.45,
        memory_used_mb=180.0,
        cv=0.15,
        slow_share=0.01,
    )


def test_the_published_experiment_finds_its_size_without_touching_production_first() -> None:
    probing = Probing(PAYLOAD, shadows=True)
    wanted = policy("abalone", ABALONE_SLO_MS, probe=probing)
    account = Account([abalone()], [wanted], probing=True)
    account.run(4 * HOUR_S)
    region = account.world.region(ACCOUNT, REGION)
    best = cheapest_size(
        account.world, region, "abalone", sizes=range(208, 1025, 16), threshold_ms=ABALONE_SLO_MS
    )
    assert best is not None
    assert 250 <= best.memory_mb <= 350
    found = truth_of(account.world, region, "abalone", account.memory_mb("abalone"))
    changes = account.app.store.changes()
    assert [c.phase for c in changes] == [ChangePhase.VERIFIED]
    assert found.p95_ms <= ABALONE_SLO_MS
    assert found.usd_per_month is not None
    assert best.usd_per_month is not None
    assert found.usd_per_month < best.usd_per_month * 1.05
    probes = account.app.store.probes(key_of("abalone"))
    assert {p.outcome for p in probes} == {ProbeOutcome.SUCCEEDED}
    spent = sum(p.usd for p in probes if not isinstance(p.usd, Missing))
    assert 0.0 < spent < 0.05
    assert probes[-1].started_at_s < changes[-1].planned_at_s
    assert [name for name in region.functions if name.startswith("rightsizer-probe")] == []
    assert not account.app.store.shadows()


def test_a_copy_that_a_killed_process_left_is_removed_and_the_search_goes_on(
    tmp_path: Path,
) -> None:
    probing = Probing(PAYLOAD, shadows=True)
    wanted = policy("abalone", ABALONE_SLO_MS, probe=probing)
    account = Account([abalone()], [wanted], probing=True, store=tmp_path / "journal.db")
    region = account.world.region(ACCOUNT, REGION)

    def copies() -> list[str]:
        return [name for name in region.functions if name.startswith("rightsizer-probe")]

    account.run(HOUR_S, until=lambda: bool(copies()))
    assert copies()
    journal = account.start().store
    account.run(HOUR_S, until=lambda: len(journal.probes(key_of("abalone"))) > 1 and not copies())
    first = account.app.store.probes(key_of("abalone"))[-1]
    assert first.outcome is ProbeOutcome.FAILED
    assert "ended before" in first.detail
    assert not copies()


def test_thin_traffic_is_judged_by_live_probes_and_demand_is_that_of_users() -> None:
    probing = Probing(PAYLOAD, live=LiveProbe(every_s=900.0, requests=40, rps=2.0))
    quiet = function("quiet", 1024, rps=0.01, ms_at_vcpu=12.5)
    watched = policy("quiet", 60.0, probe=probing, mode=Mode.OBSERVE)
    account = Account([quiet], [watched], probing=True)
    assert account.generator is not None
    account.generator.wrong_answers = 3
    account.run(3 * HOUR_S)
    seen = account.last("quiet")
    assert isinstance(seen.slo, SloStatus)
    assert seen.slo.attainment is Attainment.MET, "36 requests of users an hour alone say nothing"
    assert isinstance(seen.demand, Demand)
    assert seen.demand.requests_per_month.mid < 0.02 * 730.0 * 3600.0
    degraded = account.app.store.conditions(key_of("quiet"))[key_of("quiet")]
    told = {c.type: c for c in degraded}[ConditionType.DEGRADED]
    assert told.reason is Reason.UNEXPECTED_ANSWERS
    assert "3 of 40" in told.message
    kinds = {p.kind for p in account.app.store.probes(key_of("quiet"))}
    assert kinds == {ProbeKind.LIVE}
