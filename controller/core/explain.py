"""Why each candidate was or was not chosen: what `explain` shows."""

from collections.abc import Mapping, Sequence

from controller.core.proposals import cheapest, cost_mid
from controller.model.decision import Decision, Hold
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.size import Size


def explain(
    current: Size,
    estimates: Sequence[Estimate],
    decision: Decision,
    standings: Mapping[Size, tuple[Rejection, str]],
) -> tuple[Candidate, ...]:
    """Every estimate with its standing, in the light of what was decided."""
    chosen = current if isinstance(decision, Hold) else decision.proposal.target
    feasible = [e for e in estimates if standings[e.size][0] is Rejection.CHOSEN]
    best = cheapest(feasible) if feasible else None
    out = []
    for estimate in estimates:
        rejection, detail = standings[estimate.size]
        if estimate.size == chosen:
            kept = estimate.size == current
            rejection = Rejection.CURRENT if kept else Rejection.CHOSEN
            detail = detail or ("kept" if kept else "the cheapest that meets the SLO")
        elif rejection is Rejection.CHOSEN:
            rejection, detail = _not_best(estimate, best, decision)
        out.append(Candidate(estimate, rejection, detail))
    return tuple(out)


def _not_best(
    estimate: Estimate, best: Estimate | None, decision: Decision
) -> tuple[Rejection, str]:
    if best is not None and estimate.size == best.size and isinstance(decision, Hold):
        return Rejection.SAVING_TOO_SMALL, f"held: {decision.detail}"
    if best is None:
        return Rejection.DEARER, "not the cheapest"
    extra = cost_mid(estimate) - cost_mid(best)
    return Rejection.DEARER, f"{extra:.2f} USD/month more than {best.size}"
