"""Why each candidate was or was not chosen: what `explain` shows."""

from collections.abc import Sequence

from controller.core.proposals import cheapest, cost_mid
from controller.model.decision import Decision, Hold
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.size import Size


def explain(
    current: Size,
    estimates: Sequence[Estimate],
    decision: Decision,
    standings: Sequence[tuple[Rejection, str]],
) -> tuple[Candidate, ...]:
    """Every estimate with its standing (in the same order), in the light of what was decided."""
    chosen = current if isinstance(decision, Hold) else decision.proposal.target
    feasible = [
        estimate
        for estimate, standing in zip(estimates, standings, strict=True)
        if standing[0] is Rejection.CHOSEN
    ]
    best = cheapest(feasible) if feasible else None
    best_usd, name = (0.0, "") if best is None else (cost_mid(best), f" {best.size}")
    out = []
    for estimate, standing in zip(estimates, standings, strict=True):
        rejection, detail = standing
        if estimate.size == chosen:
            kept = estimate.size == current
            rejection = Rejection.CURRENT if kept else Rejection.CHOSEN
            detail = detail or ("kept" if kept else "the cheapest that meets the SLO")
        elif rejection is Rejection.CHOSEN:
            rejection = Rejection.DEARER
            if estimate is best and isinstance(decision, Hold):
                rejection, detail = Rejection.SAVING_TOO_SMALL, f"held: {decision.detail}"
            else:
                detail = _dearer(cost_mid(estimate) - best_usd, name)
        out.append(Candidate(estimate, rejection, detail))
    return tuple(out)


def _dearer(more_usd: float, name: str) -> str:
    """Why a size that would do is not the one: money, unless there is no difference to see."""
    if more_usd < 0.005:
        return f"costs as much as{name}, which is faster or simpler"
    return f"{more_usd:.2f} USD/month more than{name}"
