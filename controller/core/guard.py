"""The pre-flight check: an ordered list of small predicates that may each say no.

The first that says no names the Reason; `explain` shows all that do. *Standing* guards
speak of the endpoint and hold whatever is wanted; the others only stop a proposal.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from controller.core import windows
from controller.core.history import Ownership, cooldown_until_s
from controller.core.sentence import apart
from controller.model.change import Change
from controller.model.condition import Pause
from controller.model.decision import Decision, GuardVerdict, Hold, Proposal, Propose
from controller.model.endpoint import EndpointState, Kind, Phase
from controller.model.missing import Maybe, Missing
from controller.model.policy import Covers, FleetLimits, Mode, Policy
from controller.model.reason import Reason
from controller.model.sagemaker import RealtimeLive


@dataclass(frozen=True, slots=True)
class Fleet:
    """The whole fleet's situation, for limits that span endpoints."""

    limits: FleetLimits
    open_changes: int
    planned_last_hour: int
    planned_last_day: int
    usd_per_month: Maybe[float]


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a guard may look at."""

    now_s: float
    policy: Policy
    state: EndpointState
    proposal: Proposal | None
    pauses: Sequence[Pause]
    changes: Sequence[Change]
    """This endpoint's journal, newest first."""
    ownership: Ownership
    fleet: Fleet
    stale: str | None
    """Why the data is not fresh, or None."""
    obstacles: Mapping[Reason, str]
    """What the kind found in the live state that forbids a change."""
    lease_held: bool = True
    conflict: str | None = None
    """Names of other policies that claim this endpoint."""
    client_seen: bool = False
    """Whether live probes have told what a client sees."""


Refusal = tuple[Reason, str, float | None]
Guard = Callable[[Situation], Refusal | None]


def check(situation: Situation, wanted: Decision) -> tuple[Decision, tuple[GuardVerdict, ...]]:
    """What remains of a decision after all guards, and each guard's answer."""
    verdicts = [_verdict(name, guard, situation) for name, guard in STANDING.items()]
    standing_no = next((v for v in verdicts if not v.allowed), None)
    if isinstance(wanted, Propose):
        verdicts += [_verdict(name, guard, situation) for name, guard in PROPOSAL.items()]
    no = standing_no or next((v for v in verdicts if not v.allowed), None)
    if no is None or no.reason is None:
        return wanted, tuple(verdicts)
    return Hold(no.reason, no.detail, no.until_s), tuple(verdicts)


def _verdict(name: str, guard: Guard, situation: Situation) -> GuardVerdict:
    refusal = guard(situation)
    if refusal is None:
        return GuardVerdict(name, True, None, "")
    reason, detail, until_s = refusal
    return GuardVerdict(name, False, reason, detail, until_s)


def mode_reads(s: Situation) -> Refusal | None:
    """Observe proposes nothing."""
    if s.policy.mode is Mode.OFF:
        return Reason.MODE_OFF, "the policy's mode is Off", None
    if s.policy.mode is Mode.OBSERVE:
        return Reason.MODE_OBSERVE, "the policy's mode is Observe: nothing is proposed", None
    return None


def one_policy(s: Situation) -> Refusal | None:
    """Two policies on one endpoint: neither may act."""
    if s.conflict is None:
        return None
    mine = f"{s.policy.name} ({s.policy.source})"
    return Reason.POLICY_CONFLICT, f"claimed by {mine} and by {s.conflict}", None


def not_paused(s: Situation) -> Refusal | None:
    """A person said stop, for this endpoint or the fleet; of several pauses the longest."""
    pauses = [
        pause
        for pause in s.pauses
        if pause.scope in {"*", str(s.state.key)}
        and (pause.until_s is None or pause.until_s > s.now_s)
    ]
    if not pauses:
        return None
    pause = max(pauses, key=lambda p: (math.inf if p.until_s is None else p.until_s, p.scope))
    what = "the fleet is paused" if pause.scope == "*" else "paused"
    return Reason.PAUSED, f"{what} by {pause.actor}: {pause.reason}", pause.until_s


def endpoint_stable(s: Situation) -> Refusal | None:
    """AWS is at work on it, or it has failed."""
    if s.state.phase in {Phase.UPDATING, Phase.ROLLING_BACK}:
        return Reason.UPDATING, _at_work(s.state), None
    if s.state.phase is Phase.FAILED:
        return Reason.ENDPOINT_FAILED, "AWS says that the endpoint has failed", None
    return None


def _at_work(state: EndpointState) -> str:
    """While instances come or go an endpoint is updating too, and nobody has changed it."""
    live = state.live
    if isinstance(live, RealtimeLive) and live.instances != live.desired_instances:
        return f"AWS is going from {live.instances} to {live.desired_instances} instances"
    return "AWS is carrying out somebody's update"


def kind_allows(s: Situation) -> Refusal | None:
    """The kind's own obstacles: unreleased code, foreign routing and the like."""
    for reason, detail in s.obstacles.items():
        return reason, detail, None
    return None


def latency_readable(s: Situation) -> Refusal | None:
    """What a client sees contains the network: no metric of AWS tells it."""
    if s.policy.slo.covers is not Covers.CLIENT or s.state.key.kind is Kind.LAMBDA_FUNCTION:
        return None
    if s.client_seen:
        return None
    detail = "the objective covers what a client sees, which only a probe can measure"
    return Reason.NEEDS_PROBE, detail, None


def sole_owner(s: Situation) -> Refusal | None:
    """Somebody else changed the size after us."""
    until_s = s.ownership.until_s
    if not s.ownership.foreign or (until_s is not None and until_s <= s.now_s):
        return None
    reason = Reason.OWNER_CONFLICT if s.ownership.conflict else Reason.DRIFTED
    return reason, s.ownership.detail, until_s


def data_fresh(s: Situation) -> Refusal | None:
    """Traffic that never stops has stopped being reported."""
    if s.stale is None:
        return None
    return Reason.STALE_DATA, s.stale, None


def mode_acts(s: Situation) -> Refusal | None:
    """Recommend says what it would do, and does not. (`mode` speaks for Off and Observe.)"""
    if s.policy.mode is not Mode.RECOMMEND or s.proposal is None:
        return None
    return Reason.MODE_RECOMMEND, f"would change {s.proposal.detail}", None


def holds_lease(s: Situation) -> Refusal | None:
    """Another replica leads, or nobody knows who does."""
    if s.lease_held:
        return None
    return Reason.NO_LEASE, "this replica does not hold the lease", None


def in_change_window(s: Situation) -> Refusal | None:
    """Changes start only when the policy's windows are open."""
    if windows.open_at(s.policy.change_windows, s.now_s):
        return None
    opens_s = windows.next_opening_s(s.policy.change_windows, s.now_s)
    return Reason.OUTSIDE_CHANGE_WINDOW, "no change window is open", opens_s


def cooled_down(s: Situation) -> Refusal | None:
    """The last change was too short a time ago."""
    if s.proposal is None:
        return None
    until_s = cooldown_until_s(s.changes, s.proposal.target, s.proposal.before, s.policy.cadence)
    if until_s is None or until_s <= s.now_s:
        return None
    left_min = (until_s - s.now_s) / 60.0
    left = f"{left_min:.0f} minutes" if left_min < 120.0 else f"{left_min / 60.0:.0f} hours"
    return Reason.COOLDOWN, f"{left} of cooldown left", until_s


def fleet_is_full(fleet: Fleet) -> Refusal | None:
    """Limits on the number of changes over all endpoints together."""
    limits = fleet.limits
    rows = (
        ("changes at once", limits.max_concurrent_changes, fleet.open_changes),
        ("changes an hour", limits.max_changes_per_hour, fleet.planned_last_hour),
        ("changes a day", limits.max_changes_per_day, fleet.planned_last_day),
    )
    for what, limit, used in rows:
        if limit is not None and used >= limit:
            return Reason.FLEET_LIMIT, f"the fleet's limit of {limit} {what} is reached", None
    return None


def fleet_allows(s: Situation) -> Refusal | None:
    """Limits over all endpoints together."""
    return fleet_is_full(s.fleet) or _fleet_budget(s)


def _fleet_budget(s: Situation) -> Refusal | None:
    budget, now = s.fleet.limits.budget_usd_per_month, s.fleet.usd_per_month
    if budget is None or s.proposal is None:
        return None
    more = -s.proposal.saves_usd_per_month.mid
    if more <= 0.0:
        return None
    if isinstance(now, Missing):
        return Reason.FLEET_LIMIT, f"the fleet's cost is not known: {now.reason}", None
    if now + more <= budget:
        return None
    would = apart(now + more, budget)
    detail = f"{would} USD/month would be over the fleet's budget of {budget:.2f}"
    return Reason.FLEET_LIMIT, detail, None


STANDING: Mapping[str, Guard] = {
    "mode": mode_reads,
    "policy": one_policy,
    "pause": not_paused,
    "endpoint": endpoint_stable,
    "live-state": kind_allows,
    "latency": latency_readable,
    "owner": sole_owner,
    "fresh-data": data_fresh,
}
PROPOSAL: Mapping[str, Guard] = {
    "enforce": mode_acts,
    "lease": holds_lease,
    "change-window": in_change_window,
    "cooldown": cooled_down,
    "fleet": fleet_allows,
}


def silence(newest_s: Maybe[float], trough_per_hour: float, now_s: float) -> str | None:
    """Why data must be late: traffic that never slept would have left twenty requests by now.

    A function without traffic publishes nothing, which looks the same as a gap in
    CloudWatch; what tells them apart is how quiet its quietest hour has been.
    """
    if isinstance(newest_s, Missing):
        return None
    quiet_h = (now_s - newest_s) / 3600.0
    if trough_per_hour * max(0.0, quiet_h - 0.25) < 20.0:
        return None
    return f"no datapoint for {quiet_h * 60.0:.0f} minutes where traffic never stops"
