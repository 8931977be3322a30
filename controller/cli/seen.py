"""One look at one endpoint, before something of our own is sent to it or done with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from controller.cli.connect import wired
from controller.cli.exits import CommandError
from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.model.estimate import Observation
    from controller.model.policy import PolicySet
    from controller.runtime.oneshot import Seen


def seen_now(
    session: Session, policies: "PolicySet", endpoint: str
) -> "tuple[Seen, Sequence[Observation]]":
    """One look at the endpoint, through a copy of the journal, and what CloudWatch measured of
    it before. Raises CommandError."""
    from controller.cli.connect import one_shot
    from controller.cli.journal import copied
    from controller.cli.plan import choose

    with wired(session, copied(session), policies, acting=False) as app:
        shot = one_shot(session, app)
        (seen,) = shot.look(choose(shot.find(), [endpoint]))
        state = seen.assessment.state
        if state is None:
            why = seen.failure or seen.assessment.sentence
            raise CommandError(f"{seen.entry.key.short}: {why}")
        era = app.rules[seen.entry.key.kind].era(state)
        rows = [
            row
            for row in app.store.observations(seen.entry.key, 0.0)
            if row.era == era and row.source == "cloudwatch"
        ]
    return seen, rows
