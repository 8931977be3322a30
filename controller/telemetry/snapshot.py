"""What is known of one endpoint, and what a scrape shows of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from controller.core.slo_ledger import Totals, burn_rate
from controller.model.change import Change
from controller.model.condition import Condition, ConditionStatus, ConditionType
from controller.model.decision import Assessment, Propose
from controller.model.demand import Attainment, SloStatus
from controller.model.missing import Maybe, Missing, known
from controller.model.policy import Policy
from controller.model.reason import Reason
from controller.model.size import Size
from controller.telemetry.size_samples import (
    Sample,
    advice_samples,
    live_samples,
    size_samples,
)

_HOURS_PER_MONTH = 730.0
_NOT_COUNTED = Missing("not counted yet")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of one endpoint."""

    policy: str
    objective: Policy | None = None
    assessment: Assessment | None = None
    conditions: Mapping[ConditionType, Condition] = field(default_factory=dict)
    change: Change | None = None
    reconciled_at_s: float | None = None
    counted: Totals | None = None
    budget_left: Maybe[float] = _NOT_COUNTED


Part = tuple[frozenset[str], Callable[[Snapshot], Iterator[Sample]]]
"""Some of what is exported, and the fields of a `Snapshot` that it is made from."""


def _reconciled(snapshot: Snapshot) -> Iterator[Sample]:
    if snapshot.reconciled_at_s is not None:
        yield "last_reconcile_timestamp_seconds", (), snapshot.reconciled_at_s


def _looked_at(snapshot: Snapshot) -> Iterator[Sample]:
    if snapshot.objective is not None:
        yield from _objective(snapshot.objective)
    if snapshot.assessment is not None:
        yield from _assessed(snapshot.assessment)
    if snapshot.objective is not None and snapshot.assessment is not None:
        yield from _attained(snapshot.objective, snapshot.assessment)


def newest_s(snapshot: Snapshot) -> float | None:
    """Where the newest data ends, from which its age is reckoned; None where there is none."""
    assessment = snapshot.assessment
    if assessment is None or isinstance(assessment.slo, Missing):
        return None
    return known(assessment.slo.newest_s)


def _counts(snapshot: Snapshot) -> Iterator[Sample]:
    if snapshot.counted is not None:
        yield "slo_requests_total", (), float(snapshot.counted.requests)
        yield "slo_slow_requests_total", (), float(snapshot.counted.slow)
        yield "slo_failed_requests_total", (), float(snapshot.counted.failed)
    if not isinstance(snapshot.budget_left, Missing):
        yield "slo_error_budget_remaining_ratio", (), snapshot.budget_left


def _objective(policy: Policy) -> Iterator[Sample]:
    yield "slo_objective_ratio", (), policy.slo.percentile
    yield "slo_objective_seconds", (_percentile(policy),), policy.slo.threshold_ms / 1000.0
    if policy.budget_usd_per_month is not None:
        yield "budget_monthly_dollars", (), policy.budget_usd_per_month


def _attained(policy: Policy, assessment: Assessment) -> Iterator[Sample]:
    slo = assessment.slo
    if isinstance(slo, Missing):
        return
    yield "slo_window_requests", (), float(slo.requests)
    yield from _compliant(slo)
    if not isinstance(slo.met_ratio, Missing):
        yield "slo_attained_ratio", (), slo.met_ratio
        yield "slo_burn_rate", (), burn_rate(1.0 - slo.met_ratio, policy.slo)
    if not isinstance(slo.p95_ms, Missing):
        yield "slo_latency_seconds", (_percentile(policy),), slo.p95_ms / 1000.0
    if not isinstance(slo.error_ratio, Missing):
        yield "slo_error_ratio", (), slo.error_ratio


def _compliant(slo: SloStatus) -> Iterator[Sample]:
    if slo.attainment is not Attainment.UNKNOWN:
        yield "slo_compliant", (), float(slo.attainment is Attainment.MET)


def _assessed(assessment: Assessment) -> Iterator[Sample]:
    decision, wanted = assessment.decision, assessment.wanted
    if isinstance(decision, Propose):
        yield "endpoint_decision", ("change", decision.proposal.reason), 1.0
    else:
        yield "endpoint_decision", ("hold", decision.reason), 1.0
    if assessment.state is None:
        return
    current = assessment.state.size
    desired = wanted.proposal.target if isinstance(wanted, Propose) else current
    for state, size in (("current", current), ("desired", desired)):
        yield from size_samples(state, size)
        cost = _usd_per_hour(assessment, size)
        if cost is not None:
            yield "cost_hourly_dollars", (state,), cost
    yield from live_samples(assessment.state.live)
    yield from advice_samples(assessment.advice)
    yield from _savings(assessment, current)


def _savings(assessment: Assessment, current: Size) -> Iterator[Sample]:
    short, wanted = "potential_savings_hourly_dollars", assessment.wanted
    if isinstance(wanted, Propose):
        saves = wanted.proposal.saves_usd_per_month.mid
        yield short, (), max(0.0, saves / _HOURS_PER_MONTH)
    elif _usd_per_hour(assessment, current) is not None:
        yield short, (), 0.0


def _usd_per_hour(assessment: Assessment, size: Size) -> float | None:
    estimates = (candidate.estimate for candidate in assessment.candidates)
    found = next((estimate for estimate in estimates if estimate.size == size), None)
    usd_per_month = None if found is None else known(found.usd_per_month)
    return None if usd_per_month is None else usd_per_month.mid / _HOURS_PER_MONTH


def _conditions(snapshot: Snapshot) -> Iterator[Sample]:
    conditions = snapshot.conditions
    for condition in conditions.values():
        yield "condition", (condition.type, condition.status, condition.reason), 1.0
    for short, kind in (
        ("paused", ConditionType.PAUSED),
        ("drift_detected", ConditionType.DRIFTED),
    ):
        status = conditions[kind].status if kind in conditions else ConditionStatus.UNKNOWN
        if status is not ConditionStatus.UNKNOWN:
            yield short, (), float(status is ConditionStatus.TRUE)


def _change(snapshot: Snapshot) -> Iterator[Sample]:
    change = snapshot.change
    moving = change is not None and change.phase.open and change.reason is not Reason.PROBING
    yield "change_open", (), float(moving)
    if change is not None:
        yield "last_change_timestamp_seconds", (), change.updated_at_s
        reason = change.reason if change.verdict is None else change.verdict.reason
        yield "last_change_info", (change.phase, reason), 1.0


def _percentile(policy: Policy) -> str:
    """`95`; not named `quantile`, which Prometheus keeps for summaries."""
    return f"{100.0 * policy.slo.percentile:g}"


PARTS: tuple[Part, ...] = (
    (frozenset({"reconciled_at_s"}), _reconciled),
    (frozenset({"objective", "assessment"}), _looked_at),
    (frozenset({"counted", "budget_left"}), _counts),
    (frozenset({"conditions"}), _conditions),
    (frozenset({"change"}), _change),
)
"""Everything exported of an endpoint but what grows older by itself; no metric is in two parts."""
