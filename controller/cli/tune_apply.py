"""The result of a search goes the way of every change: guards, journal, canary, verdict."""

from typing import TYPE_CHECKING

from controller.cli.apply import carry_out, check_changes, confirm
from controller.cli.connect import wired
from controller.cli.journal import opened
from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.model.decision import Proposal
    from controller.model.policy import PolicySet
    from controller.model.size import Size
    from controller.runtime.tune_parts import Subject
    from controller.runtime.tune_table import Tuned


def apply_tuned(
    session: Session, policies: "PolicySet", subject: "Subject", tuned: "Tuned", *, yes: bool
) -> None:
    """Change to the chosen size and see it through. Raises CommandError where it may not be."""
    from controller.runtime.plans import PlannedChange, SavedPlan
    from controller.runtime.tuning import Strategy

    target = tuned.chosen
    if target != subject.state.size and tuned.strategy is Strategy.SLO:
        target = _agreed(session, policies, subject, tuned)
    if target == subject.state.size:
        session.write("The present size is the best: nothing is changed.\n")
        return
    proposal = _proposal(subject, tuned, target)
    planned = PlannedChange(
        subject.key,
        subject.policy.name,
        subject.policy.generation,
        subject.state.etag,
        proposal,
    )
    saved = SavedPlan(session.clock.now_s(), (planned,))
    with wired(session, opened(session.settings), policies, acting=True) as app:
        requests, ready = check_changes(session, app, saved)
        session.write(f"change: {subject.key.short} {proposal.detail}\n")
        if not yes:
            confirm(session, "Apply this change?")
        carry_out(session, app, requests, ready, no_wait=False)


def _agreed(session: Session, policies: "PolicySet", subject: "Subject", tuned: "Tuned") -> "Size":
    """The cheapest size of which the search is sure, and the controller too.

    The search rests on its calls; the controller on all evidence of the endpoint, and no change
    is begun that it doubts. Where they agree of none, the search's own is left to be refused.
    """
    from controller.cli.seen import seen_now
    from controller.runtime.tune_table import agreed

    seen, _ = seen_now(session, policies, str(subject.key))
    p_slo = {c.estimate.size: c.estimate.p_slo for c in seen.assessment.candidates}
    size = agreed(tuned, subject.state.size, p_slo)
    if size != tuned.chosen:
        session.say(
            f"{tuned.chosen}: by all evidence together it meets the SLO with probability"
            f" {p_slo[tuned.chosen]:.2f}; {size} is the cheapest that is sure by both"
        )
    return size


def _proposal(subject: "Subject", tuned: "Tuned", target: "Size") -> "Proposal":
    from controller.core.proposals import propose
    from controller.model.reason import Reason

    here, there = tuned.of(subject.state.size), tuned.of(target)
    assert here is not None, "the present size is always estimated"
    assert there is not None, "and so is the chosen one"
    return propose(subject.policy, subject.demand, here, there, Reason.REQUESTED).proposal
