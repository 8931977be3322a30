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
    pairs = list(zip(estimates, standings, strict=True))
    feasible = [e for e, (rejection, _) in pairs if rejection is Rejection.CHOSEN]
    best = cheapest(feasible) if feasible else None
    best_usd = 0.0 if best is None else cost_mid(best)
    out = []
    for estimate, standing in pairs:
        rejection, detail = standing
        if estimate.size == chosen:
            kept = estimate.size == current
            rejection = Rejection.CURRENT if kept else Rejection.CHOSEN
            detail = detail or ("kept" if kept else "the cheapest that meets the SLO")
        elif rejection is Rejection.CHOSEN:
            rejection = Rejection.DEARER
            detail = _dearer(cost_mid(estimate) - best_usd, best)
            if estimate is best and isinstance(decision, Hold):
                rejection, detail = Rejection.SAVING_TOO_SMALL, f"held: {decision.detail}"
        out.append(Candidate(estimate, rejection, detail))
    return tuple(out)


def _dearer(more_usd: float, best: Estimate | None) -> str:
    """Why a size that would do is not the one: money, unless there is no difference to see."""
    name = "" if best is None else f" {best.size}"
    if more_usd < 0.005:
        return f"costs as much as{name}, which is faster or simpler"
    return f"{more_usd:.2f} USD/month more than{name}"
