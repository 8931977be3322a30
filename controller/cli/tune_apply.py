"""The result of a search goes the way of every change: guards, journal, canary, verdict."""

from typing import TYPE_CHECKING

from controller.cli.apply import carry_out, check_changes, confirm
from controller.cli.connect import wired
from controller.cli.journal import opened
from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.model.decision import Proposal
    from controller.model.policy import PolicySet
    from controller.runtime.tune_parts import Subject
    from controller.runtime.tune_table import Tuned


def apply_tuned(
    session: Session, policies: "PolicySet", subject: "Subject", tuned: "Tuned", *, yes: bool
) -> None:
    """Change to the chosen size and see it through. Raises CommandError where it may not be."""
    from controller.runtime.plans import PlannedChange, SavedPlan

    if tuned.chosen == subject.state.size:
        session.write("The present size is the best: nothing is changed.\n")
        return
    proposal = _proposal(subject, tuned)
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


def _proposal(subject: "Subject", tuned: "Tuned") -> "Proposal":
    from controller.core.proposals import propose
    from controller.model.reason import Reason

    here, there = tuned.of(subject.state.size), tuned.of(tuned.chosen)
    assert here is not None, "the present size is always estimated"
    assert there is not None, "and so is the chosen one"
    return propose(subject.policy, subject.demand, here, there, Reason.REQUESTED).proposal
