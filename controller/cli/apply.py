"""`rightsizer apply`: carry out a saved plan, exactly that and nothing else."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.connect import load_policies, one_shot, wired
from controller.cli.exits import CommandError, ExitCode
from controller.cli.options import Verb, policies_option
from controller.cli.session import Session, pass_session
from controller.cli.words import span
from controller.core.sentence import counted, course
from controller.model.change import ChangePhase
from controller.policy.envelope import API_VERSION

if TYPE_CHECKING:
    from controller.app import App
    from controller.model.change import Change
    from controller.runtime.plans import PlannedChange, SavedPlan
    from controller.runtime.requested import Ready, Requests

OLDEST_S = 86_400.0
"""A plan older than this is refused: the traffic it was made for is not today's."""
MOST_BYTES = 64 * 2**20


@click.command(cls=Verb)
@click.argument("plan_file", metavar="PLAN", type=click.Path())
@policies_option()
@click.option("--dry-run", is_flag=True, help="Check everything, change nothing.")
@click.option("--yes", is_flag=True, allow_from_autoenv=False, help="Do not ask.")
@click.option("--no-wait", is_flag=True, help="Journal the changes and leave.")
@pass_session
def apply(
    session: Session,
    *,
    plan_file: str,
    policies: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    no_wait: bool,
) -> None:
    """Carry out a saved plan.

    PLAN is a file that `plan --out` wrote. All of it or none: where an endpoint or its policy
    has changed since, or the plan is older than a day, nothing is begun and the reason is told.
    Changes of policies in mode Recommend are carried out too, for a person asked for them.

    Each change is journalled first and then seen through here, with its canary and its
    verdict. Ctrl-C leaves it in the journal: the same command again, or the controller, goes
    on from there. Where a controller runs on the same journal, it does the work.
    """
    from controller.cli.journal import copied, opened

    if not (dry_run or yes):
        require_answer(session)
    saved = _read(session, plan_file)
    if not saved.changes:
        session.write("The plan holds no change.\n")
        return
    loaded = load_policies(session, policies)
    store = copied(session) if dry_run else opened(session.settings)
    with wired(session, store, loaded, acting=True) as app:
        requests, ready = check_changes(session, app, saved)
        for planned, one in ready:
            session.write(f"{'would change' if dry_run else 'change'}: {_line(planned, one)}\n")
        if dry_run:
            return
        if not yes:
            confirm(session, f"Apply {counted(len(ready), 'change')}?")
        carry_out(session, app, requests, ready, no_wait=no_wait)


def _read(session: Session, name: str) -> "SavedPlan":
    from controller.runtime.plans import PlanInvalid, parse_plan

    try:
        with Path(name).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise PlanInvalid("it is far larger than any plan")
        saved = parse_plan(content.decode("utf-8"), API_VERSION)
    except (PlanInvalid, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise CommandError(f"{name} cannot be applied: {why}", ExitCode.INVALID) from error
    age_s = session.clock.now_s() - saved.created_at_s
    if age_s > OLDEST_S:
        raise CommandError(f"{name} is {span(age_s)} old, more than a day: plan again")
    return saved


def check_changes(
    session: Session, app: "App", saved: "SavedPlan"
) -> "tuple[Requests, list[tuple[PlannedChange, Ready]]]":
    """Every change, found to fit still. Raises CommandError after telling all that do not."""
    from controller.model.errors import AdapterError
    from controller.runtime.requested import Requests

    shot = one_shot(session, app)
    found = shot.find()
    entries = {entry.key: entry for entry in found.entries}
    limits = app.engine.policies.limits
    if limits.budget_usd_per_month is None:
        shot.sample([entries[c.key] for c in saved.changes if c.key in entries])
        requests = Requests(app.hands, app.store, limits)
    else:
        shot.look(found.entries)  # what all of them cost is known only when all were looked at
        cost = app.recorder.fleet_usd_per_month(list(entries))
        requests = Requests(app.hands, app.store, limits, cost)
    ready, refused = [], 0
    for planned in saved.changes:
        try:
            entry = entries.get(planned.key)
            if entry is None:
                raise next(iter(found.failures.values()), CommandError("no policy claims it now"))
            ready.append((planned, requests.check(entry, planned)))
        except (AdapterError, CommandError) as error:
            refused += 1
            session.say(f"error: {planned.key.short}: {str(error).rstrip('.')}")
    if refused:
        raise CommandError(
            f"the plan no longer fits {counted(refused, 'endpoint')}, so nothing was changed: "
            "plan again, with fewer endpoints where a limit of the fleet was named"
        )
    return requests, ready


def _line(planned: "PlannedChange", ready: "Ready") -> str:
    text = f"{planned.key.short} {planned.proposal.detail}"
    if ready.underway is not None:
        text += f" (change {ready.underway.id}, {ready.underway.phase})"
    return text


def carry_out(
    session: Session,
    app: "App",
    requests: "Requests",
    ready: "Sequence[tuple[PlannedChange, Ready]]",
    *,
    no_wait: bool,
) -> None:
    """Journal what was found ready, and see it through. Raises CommandError, Conflict."""
    requests.still_room()
    actor = f"cli:{session.environment.user}"
    daemon = take_over(app)
    changes = [requests.apply(one, planned, actor) for planned, one in ready]
    stays = {phase for phase in ChangePhase if phase.stays}
    leave = daemon or no_wait
    see_through(session, app, changes, wanted=stays, leave=leave, daemon=daemon)


def take_over(app: "App") -> bool:
    """Whether a controller runs on this journal; if none does, none can until we are through."""
    if app.store.daemon_running():
        return True
    app.store.acquire_daemon_lock()
    return False


def see_through(
    session: Session,
    app: "App",
    changes: "Sequence[Change]",
    *,
    wanted: Collection[ChangePhase],
    leave: bool,
    daemon: bool,
) -> None:
    """Drive journalled changes to their end, or (`leave`) say who will.

    Raises CommandError where one of them does not end in a wanted phase.
    """
    from controller.runtime.foreground import Foreground

    numbers = ", ".join(str(change.id) for change in changes)
    if leave:
        who = "the controller that runs on this journal carries it out"
        later = "`rightsizer run`, or the same command without --no-wait, carries it out"
        session.say(f"journalled as {numbers}: {who if daemon else later}")
        session.say("see: rightsizer get changes")
        return
    foreground = Foreground(
        app.engine, app.store, clock=session.clock, wait=session.wait, say=session.say
    )
    try:
        ended = foreground.see_through(changes)
    except KeyboardInterrupt:
        session.say(
            f"left in the journal as {numbers}: the same command, "
            "or the daemon, goes on; until then a canary keeps its share of the traffic"
        )
        raise
    for change in ended:
        session.write(f"{_ending(change)}\n")
    stuck = [change for change in ended if change.phase.open]
    if stuck:
        names = ", ".join(f"{change.id} of {change.key.short}" for change in stuck)
        raise CommandError(
            f"change {names} cannot go on; left in the journal, to be taken up again"
        )
    failed = [change for change in ended if change.phase not in wanted]
    if failed:
        names = ", ".join(f"{change.key.short} {change.phase}" for change in failed)
        raise CommandError(
            f"{len(failed)} of {counted(len(ended), 'change')} did not stay: {names}"
        )


def _ending(change: "Change") -> str:
    verdict = f": {change.verdict.detail}" if change.verdict else ""
    return f"{change.phase}: {change.key.short} {course(change)}{verdict}"


def require_answer(session: Session) -> None:
    """Raises UsageError where there is nobody to ask, before any work is done."""
    if not session.stdin.isatty():
        raise click.UsageError("This asks before it acts; give --yes where nobody can answer.")


def confirm(session: Session, question: str) -> None:
    """Ask, and go on only at a yes. Raises CommandError."""
    session.err.write(f"{question} [y/N] ")
    session.err.flush()
    if session.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandError("nothing was changed")
