"""`rightsizer explain`: why one endpoint has its size, and what every other would do."""

from typing import TYPE_CHECKING, Any

import click

from controller.cli.connect import load_policies, one_shot, wired
from controller.cli.endpoints import complete
from controller.cli.exits import ExitCode
from controller.cli.options import Verb, output_option, policies_option
from controller.cli.output import document, show_document
from controller.cli.plan import choose, failure_documents, tell_failures
from controller.cli.session import Session, pass_session

if TYPE_CHECKING:
    from controller.model.change import Change
    from controller.runtime.oneshot import Found, Seen

LAST_CHANGES = 5


@click.command(cls=Verb)
@click.argument("endpoint", shell_complete=complete)
@policies_option()
@output_option("table", "wide", "json", "yaml")
@pass_session
def explain(session: Session, *, endpoint: str, policies: tuple[str, ...], output: str) -> None:
    """Show why one endpoint has its size.

    Looks now, as `plan` does, and changes nothing. ENDPOINT is a whole key, a name, or
    name:qualifier. Shows how well the SLO is kept, what the traffic asks, every candidate size
    with what it gives and costs at the actual demand and why it was not chosen, what another
    kind of hosting would cost, advice, every guard that says no, and the last changes. The form
    wide shows all sizes; table leaves out those between.
    """
    from controller.cli.explain_views import show_explanation

    found, seen, changes = _look(session, policies, endpoint)
    if output in {"json", "yaml"}:
        show_document(session, output, _content(found, seen, changes))
    else:
        show_explanation(session, seen, changes, wide=output == "wide", now_s=session.clock.now_s())
    if seen.failure is not None:
        tell_failures(session, found, [seen])
        raise click.exceptions.Exit(ExitCode.ERROR)


def _look(
    session: Session, paths: tuple[str, ...], endpoint: str
) -> "tuple[Found, Seen, tuple[Change, ...]]":
    from controller.cli.journal import copied

    policies = load_policies(session, paths)
    with wired(session, copied(session), policies, acting=False) as app:
        shot = one_shot(session, app)
        found = shot.find()
        (seen,) = shot.look(choose(found, [endpoint]))
        changes = tuple(app.store.changes(seen.entry.key, limit=LAST_CHANGES))
    return found, seen, changes


def _content(found: "Found", seen: "Seen", changes: "tuple[Change, ...]") -> dict[str, Any]:
    from controller.core.conditions import conditions
    from controller.core.cost_table import cost_table
    from controller.runtime.documents import (
        assessment_document,
        change_document,
        condition_document,
        cost_document,
    )
    from controller.runtime.plans import plan_item

    assessment, policy = seen.assessment, seen.entry.policy
    return document(
        "Explanation",
        {
            **plan_item(seen),
            "failures": failure_documents(found),
            **{name: assessment_document(assessment)[name] for name in _PARTS},
            "costTable": [
                cost_document(row)
                for row in cost_table(assessment.candidates, assessment.demand, policy)
            ],
            "conditions": [condition_document(c) for c in conditions(assessment, policy)],
            "changes": [change_document(change) for change in changes],
        },
    )


_PARTS = ("wanted", "demand", "candidates", "guards", "advice", "hosting")
