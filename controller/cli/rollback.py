"""`rightsizer rollback`: undo an endpoint's last change."""

from typing import TYPE_CHECKING

import click

from controller.cli.apply import confirm, require_answer, see_through, take_over
from controller.cli.connect import load_policies, one_shot, wired
from controller.cli.endpoints import complete, journalled, pick
from controller.cli.exits import CommandError
from controller.cli.options import Verb, policies_option
from controller.cli.session import Session, pass_session
from controller.model.change import Change, ChangePhase
from controller.model.endpoint import EndpointKey
from controller.model.policy import FleetLimits, PolicySet
from controller.model.reason import Reason

if TYPE_CHECKING:
    from controller.app import App
    from controller.runtime.roster import Entry
    from controller.store.opened import Journal


@click.command(cls=Verb)
@click.argument("endpoint", shell_complete=complete)
@policies_option(required=False)
@click.option("--reason", default="", help="Why; kept in the journal.")
@click.option("--yes", is_flag=True, allow_from_autoenv=False, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Journal it and leave.")
@pass_session
def rollback(
    session: Session,
    *,
    endpoint: str,
    policies: tuple[str, ...],
    reason: str,
    yes: bool,
    no_wait: bool,
) -> None:
    """Undo an endpoint's last change.

    A change under way is turned round. Otherwise the last change that stayed is undone
    by a new one, with its own canary and verdict, if its size is still the live one; this
    needs --policies.

    The controller may choose the same size again later: pause the endpoint to prevent that.
    """
    from controller.cli.journal import opened, reading

    if not yes:
        require_answer(session)
    with reading(session) as store:
        key = pick(endpoint, journalled(store), f"in the journal {store.path}")
        change = _last(store, key)
        daemon = store.daemon_running()
    alone = not (daemon or no_wait)
    if not policies and (alone or not change.phase.open):
        raise click.UsageError(_needs_policies(change))
    if not yes:
        confirm(session, _question(change))
    loaded = load_policies(session, policies) if policies else PolicySet((), FleetLimits(), "")
    with wired(session, opened(session.settings), loaded, acting=True) as app:
        entry = _entry(session, app, key) if policies else None
        if alone:
            take_over(app)
        actor = f"cli:{session.environment.user}"
        if change.phase.open:
            moved = _turn_round(app, change, actor, reason)
            wanted = {ChangePhase.ROLLED_BACK, ChangePhase.FAILED}
        else:
            assert entry is not None, "policies were given"
            moved = _undo(app, entry, change, actor=actor, reason=reason)
            wanted = {phase for phase in ChangePhase if phase.stays}
        see_through(session, app, [moved], wanted=wanted, leave=not alone, daemon=daemon)
    session.say("the controller may choose it again later; see: rightsizer pause --help")


def _needs_policies(change: Change) -> str:
    if change.phase.open:
        return (
            "No controller runs on this journal: give --policies to see the way back through "
            "here, or --no-wait to leave it to the next start."
        )
    return "The last change is through; undoing it needs --policies."


def _last(store: "Journal", key: EndpointKey) -> Change:
    """The change to undo. Raises CommandError where there is none."""
    change = store.open_change(key)
    if change is not None:
        return change
    kept = (c for c in store.changes(key) if c.reason is not Reason.PROBING)  # it moved nothing
    newest = next((c for c in kept if c.phase is not ChangePhase.FAILED), None)
    if newest is None:
        raise CommandError(f"the journal has no change of {key} that could be undone")
    if not newest.phase.stays:
        raise CommandError(
            f"the last change of {key} ({newest.id}) was rolled back already, to {newest.before}"
        )
    return newest


def _question(change: Change) -> str:
    what = "Turn round" if change.phase.open else "Undo"
    return f"{what} change {change.id} of {change.key.short}, back to {change.before}?"


def _entry(session: Session, app: "App", key: EndpointKey) -> "Entry":
    """The policy's entry for the endpoint. Raises CommandError where none claims it."""
    found = one_shot(session, app).find()
    entry = next((entry for entry in found.entries if entry.key == key), None)
    if entry is not None:
        return entry
    for error in found.failures.values():
        raise error
    raise CommandError(f"no policy claims {key}")


def _turn_round(app: "App", change: Change, actor: str, reason: str) -> Change:
    from controller.runtime.requested import abandon

    assert app.actuator is not None, "it was wired to act"
    return abandon(app.store, app.actuator, change, actor, reason)


def _undo(app: "App", entry: "Entry", change: Change, *, actor: str, reason: str) -> Change:
    from controller.runtime.requested import Requests

    app.engine.sample(entry.scope, [entry])
    requests = Requests(app.hands, app.store, app.engine.policies.limits)
    return requests.go_back(requests.check_return(entry, change), change, reason, actor)
