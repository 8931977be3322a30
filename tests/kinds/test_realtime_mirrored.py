"""When users' requests are mirrored to a type, how many of them, and when they cannot be."""

from dataclasses import replace
from itertools import product

import pytest
from given import NOW_S
from realtime_world import (
    C5,
    ERA,
    a_live,
    a_policy,
    a_sizing,
    a_state,
    an_observed,
    daily,
    parts_of,
)
from test_realtime_probing import MACHINES, TYPES, rate

from controller.core.assess import Observed, assess, believe
from controller.core.contract import Stage
from controller.core.mirroring import mirrored_usd, mirroring, out_of_sight, recent_rps
from controller.core.probe_cost import Tariff
from controller.core.probe_worth import Looking, consider
from controller.kinds.realtime_endpoint.mirror import refusal_to_mirror
from controller.kinds.realtime_endpoint.probing import instance_wish
from controller.kinds.realtime_endpoint.rollout import next_step
from controller.kinds.realtime_endpoint.snapshot import to_text
from controller.model.change import Advance, Change, ChangePhase, Verdict, VerdictKind, Wait
from controller.model.decision import Assessment, Probe
from controller.model.endpoint import EndpointState, Phase
from controller.model.missing import Missing, known
from controller.model.policy import Covers, Mode, Rollout, Slo
from controller.model.probe import Mirroring, ProbeKind, ProbeOrder
from controller.model.probing import PayloadSource, ProbeBudget, Probing
from controller.model.reason import Reason
from controller.model.sagemaker import Speciality
from controller.model.sagemaker_steps import CreateConfig, DeleteConfig, DeployConfig

ONLY = Probing((), mirrored=True, budget=ProbeBudget(1.0, 20.0))
BOTH = replace(ONLY, payloads=(PayloadSource(inline="{}"),), shadows=True)


def observed(probing: Probing, **changes: object) -> Observed:
    """Two instances at a tenth of what they can do, for two weeks."""
    policy = replace(a_policy(150.0, bounds=TYPES), probe=probing, **changes)
    parts = parts_of(MACHINES["ml.c5.xlarge"], C5, daily(12.0, 16.0), 150.0)
    return an_observed(parts, C5, policy=policy)


def _plan(assessment: Assessment) -> ProbeOrder:
    decision = assessment.decision
    assert isinstance(decision, Probe), assessment.prospect
    return decision.plan


def decided(seen: Observed, why_not: str | None = None) -> Assessment:
    sizing = a_sizing(seen)
    beliefs = believe(seen, sizing)
    looking = Looking(seen, assess(seen, sizing, beliefs), beliefs, sizing)
    return consider(looking, instance_wish, rate, lambda _: why_not)


def test_users_requests_are_better_than_payloads_where_there_are_enough() -> None:
    seen = observed(BOTH)
    copied = decided(seen).decision
    assert isinstance(copied, Probe)
    assert copied.plan.kind is ProbeKind.SHADOW, "a load for the peak, and more"
    twice = [replace(w, requests=2 * (known(w.requests) or 0)) for w in seen.windows.recent]
    busy = replace(seen, windows=replace(seen.windows, recent=tuple(twice)))
    plan = _plan(decided(busy))
    assert (plan.kind, plan.phases, plan.requests) == (ProbeKind.MIRRORED, (), 0.0)
    assert plan.mirror is not None
    assert 0.5 < plan.mirror.share < 1.0


def test_all_that_users_send_is_tried_once_where_nothing_else_may_be() -> None:
    plan = _plan(decided(observed(ONLY)))
    assert plan.mirror is not None
    assert plan.mirror.share == 1.0
    seen = observed(ONLY)
    row = seen.rows[-1]
    tried = replace(row, size=plan.size, source="mirrored", load_rps=15.0)
    again = decided(replace(seen, rows=(*seen.rows, tried)))
    prospect = again.prospect
    assert prospect is not None
    order = prospect.order
    assert order is None or order.size != plan.size


@pytest.mark.parametrize("why", [{"why_not": "an alarm guards it"}, {"mode": Mode.RECOMMEND}])
def test_where_none_can_be_mirrored_a_copy_is_called_if_it_may_be(why: dict[str, object]) -> None:
    why_not = str(why.pop("why_not", "")) or None
    copied = decided(observed(BOTH, **why), why_not).decision
    assert isinstance(copied, Probe)
    assert copied.plan.kind is ProbeKind.SHADOW
    alone = decided(observed(ONLY, **why), why_not)
    assert not isinstance(alone.decision, Probe)
    assert alone.prospect is not None
    assert alone.prospect.refused == (
        why_not or "the policy does not allow copies (`probe.shadow.allowed`)"
    )


def test_an_instance_gets_the_requests_that_it_would_have_in_its_fleet() -> None:
    assert mirroring(9.0, 3.0) == Mirroring(0.3333, 1, 1200.0)
    assert mirroring(3.0, 3.1) == Mirroring(1.0, 1, 1200.0), "nearly what is asked about"
    assert mirroring(0.5, 0.5) == Mirroring(1.0, 1, 2000.0), "for as long as a p95 needs"
    assert mirroring(9.0, 3.0, 600.0) == Mirroring(0.3333, 1, 600.0)
    too_much, too_few = mirroring(3.0, 9.0), mirroring(0.01, 0.01)
    assert isinstance(too_much, Missing)
    assert "more than there are" in too_much.reason
    assert isinstance(too_few, Missing)
    assert "about 36 requests" in too_few.reason
    # An hour to the cent: two launches, settling, twenty minutes, and the end of it.
    assert mirrored_usd(Tariff(usd_per_hour=1.0), Mirroring(0.5, 2, 1200.0)) == pytest.approx(
        2 * (300 + 300 + 120 + 1200 + 60) / 3600
    )


def test_the_rate_of_the_last_hour_counts() -> None:
    recent = observed(ONLY).windows.recent
    assert recent_rps(recent) == pytest.approx(14.0, rel=0.3)
    assert isinstance(recent_rps(()), Missing)


def test_what_stands_in_the_way_is_one_clear_sentence() -> None:
    live = observed(ONLY).state.realtime

    def told(phase: Phase = Phase.STABLE, name: str = "ml.c5.large", **changes: object) -> str:
        endpoint = replace(live.endpoint, **changes)  # type: ignore[arg-type]
        return refusal_to_mirror(replace(live, endpoint=endpoint), phase, name) or ""

    assert "what clients see" in (out_of_sight(Slo(150.0, covers=Covers.CLIENT)) or "")
    assert out_of_sight(Slo(150.0)) is None
    shadowed = replace(live.endpoint.config, specialities={Speciality.SHADOW_VARIANTS: "theirs"})
    assert told() == ""
    assert told(config=shadowed) == "theirs"
    assert "is Updating" in told(Phase.UPDATING, status="Updating")
    assert "alarm p95-high guards" in told(guards=("p95-high",))
    assert told(guards=("rightsizer-shop-latency",)) == "", "one of ours went with its deployment"
    assert "ml.inf1.xlarge" in told(name="ml.inf1.xlarge")


TARGET, SOURCE, FOREIGN = "rightsizer-mirror-shop-1", "shop-v1", "release-2"
BEGUN = {
    "config": SOURCE,
    "config_target": TARGET,
    "fingerprint": ERA,
    "type": "ml.c5.large",
    "count": "1",
    "share": "0.5",
    "lasts_s": "1200.0",
    "expires_s": repr(NOW_S + 9000.0),
    "kept": to_text(a_live().autoscaling),
    "count_before": "2",
}
MADE = {f"made:{TARGET}": "1", "try_since_s": repr(NOW_S - 600.0), f"tries:{TARGET}": "1"}
TOLD: tuple[dict[str, str], ...] = (
    {},
    MADE,
    {**MADE, "accepted": TARGET},
    {**MADE, "asked": f"ready to deploy {TARGET}"},
    {**MADE, "accepted": TARGET, "fed_since_s": repr(NOW_S - 60.0)},
    {**MADE, "accepted": TARGET, "fed_since_s": repr(NOW_S - 7200.0), "ended_s": repr(NOW_S)},
    {"config": "", "sweep": "1"},
    {"try_since_s": repr(NOW_S - 600.0), f"tries:{SOURCE}": "3"},
)


@pytest.mark.parametrize("phase", [phase for phase in ChangePhase if phase.open])
def test_whatever_is_live_there_is_one_step_and_none_that_harms(phase: ChangePhase) -> None:
    for config, status, told, no in product(
        (SOURCE, TARGET, FOREIGN), Phase, TOLD, (None, Reason.PAUSED)
    ):
        live = a_live(name=config, mirrored_until_s=NOW_S if config == TARGET else None)
        state = replace(a_state(live=live), phase=status)
        change = replace(a_mirrored(state), phase=phase, progress={**BEGUN, **told})
        verdict = Verdict(VerdictKind.INCONCLUSIVE, Reason.BAKING, "")
        step = next_step(Stage(change, state, Rollout(), verdict, no, NOW_S))
        at = f"{phase} {config} {status} {told} {no}: {step}"
        assert isinstance(step, Advance | Wait | CreateConfig | DeployConfig | DeleteConfig), at
        if isinstance(step, CreateConfig | DeployConfig):
            assert status is not Phase.UPDATING, at
        if isinstance(step, DeployConfig):
            assert step.keep_count, at
            assert config != FOREIGN, at
            assert step.name != config, at
            assert (step.name == TARGET) == (phase is not ChangePhase.ROLLING_BACK), at
        if isinstance(step, DeleteConfig):
            assert (step.name, config == TARGET) == (TARGET, False), at
        if isinstance(step, Advance) and not step.phase.open:
            assert config != TARGET or status is Phase.FAILED or phase is ChangePhase.PLANNED, at


def a_mirrored(state: EndpointState) -> Change:
    """A mirrored probe that was planned ten minutes ago."""
    return Change(
        id=1,
        key=state.key,
        policy="shop",
        phase=ChangePhase.PLANNED,
        before=state.size,
        target=state.size,
        reason=Reason.PROBING,
        detail="mirrored probe of ml.c5.large",
        proposal=None,
        etag="",
        baseline=None,
        actor="cli:ann",
        term=1,
        planned_at_s=NOW_S - 600.0,
        updated_at_s=NOW_S,
    )
