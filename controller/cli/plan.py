"""`rightsizer plan`: what would be changed and why, without changing anything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller import __version__
from controller.cli.connect import load_policies, one_shot, region_words, wired
from controller.cli.endpoints import complete, pick
from controller.cli.exits import CommandError, ExitCode
from controller.cli.options import Verb, output_option, policies_option
from controller.cli.output import document, json_text, show_document
from controller.cli.session import Session, pass_session

if TYPE_CHECKING:
    from controller.runtime.oneshot import Found, Seen
    from controller.runtime.roster import Entry

BREACHES = ("slo", "budget")


@click.command(cls=Verb)
@click.argument("endpoints", nargs=-1, metavar="[ENDPOINT]...", shell_complete=complete)
@policies_option()
@output_option("table", "wide", "json", "yaml", "markdown", "name")
@click.option("--out", type=click.Path(dir_okay=False), help="Save the plan for `apply`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where changes are present.")
@click.option(
    "--fail-on",
    type=click.Choice(BREACHES),
    multiple=True,
    help="Exit with 3 where the SLO is broken, or the budget exceeded, now.",
)
@pass_session
def plan(
    session: Session,
    *,
    endpoints: tuple[str, ...],
    policies: tuple[str, ...],
    output: str,
    out: str | None,
    detailed_exitcode: bool,
    fail_on: tuple[str, ...],
) -> None:
    """Show what would be changed and why; change nothing.

    Looks once at all endpoints of the policies, or at those named (by whole key, by name, or
    as name:qualifier). History comes from the journal where there is one, else from AWS. A
    mark says what becomes of each: ~ would change, = stays, ! cannot be judged or changed now.
    """
    from controller.cli.plan_views import show_plan
    from controller.runtime.plans import plan_document

    found, seen, digest = look(session, policies, endpoints)
    content = document(
        "Plan",
        plan_document(
            seen,
            at_s=session.clock.now_s(),
            digest=digest,
            failures=failure_documents(found),
            version=__version__,
        ),
    )
    if out is not None:
        Path(out).write_text(json_text(content), "utf-8")
    if output in {"json", "yaml"}:
        show_document(session, output, content)
    else:
        show_plan(session, output, seen, unseen=len(found.failures))
    failed = tell_failures(session, found, seen)
    breached = _breached(seen, fail_on)
    for line in breached:
        session.say(line)
    if failed:
        raise click.exceptions.Exit(ExitCode.ERROR)
    if breached:
        raise click.exceptions.Exit(ExitCode.BREACHED)
    if detailed_exitcode and content["summary"]["change"]:
        raise click.exceptions.Exit(ExitCode.CHANGES)


def look(
    session: Session, paths: Sequence[str], names: Sequence[str]
) -> "tuple[Found, Sequence[Seen], str]":
    """One look through a copy of the journal; also the digest of the policies."""
    from controller.cli.journal import copied

    policies = load_policies(session, paths)
    with wired(session, copied(session), policies, acting=False) as app:
        shot = one_shot(session, app)
        found = shot.find()
        return found, shot.look(choose(found, names)), policies.digest


def choose(found: "Found", names: Sequence[str]) -> "Sequence[Entry]":
    """The entries that are named; all of them without names. Raises CommandError."""
    if not names:
        return found.entries
    if found.failures and not found.entries:
        raise CommandError(str(next(iter(found.failures.values()))))
    by_key = {entry.key: entry for entry in found.entries}
    keys = {pick(name, by_key, "under these policies") for name in names}
    return [by_key[key] for key in sorted(keys)]


def failure_documents(found: "Found") -> list[Mapping[str, Any]]:
    """Places that could not be looked at."""
    return [
        {"region": scope.region, "roleArn": scope.role_arn, "message": str(error)}
        for scope, error in found.failures.items()
    ]


def tell_failures(session: Session, found: "Found", seen: "Sequence[Seen]") -> bool:
    """Say what could not be looked at; True if there was anything."""
    for scope, error in found.failures.items():
        place = region_words(scope.region, scope.role_arn)
        session.say(f"error: {place}: {str(error).rstrip('.')}")
    unseen = [one for one in seen if one.failure is not None]
    for one in unseen:
        session.say(f"error: {one.entry.key.short}: {one.failure}")
    if any("see the log" in str(one.failure) for one in unseen) and not session.debug:
        session.say("the log is shown with --debug")
    if not seen and not found.failures:
        session.say("warning: the policies mean no endpoint that there is")
    return bool(found.failures or unseen)


def _breached(seen: "Sequence[Seen]", fail_on: Sequence[str]) -> list[str]:
    """A line for each endpoint that breaks what was asked about."""
    from controller.core.conditions import conditions
    from controller.model.condition import ConditionStatus, ConditionType

    types = {"slo": ConditionType.SLO_MET, "budget": ConditionType.WITHIN_BUDGET}
    asked = {types[word]: word for word in fail_on}
    return [
        f"{asked[condition.type]}: {one.entry.key.short}: {condition.message}"
        for one in seen
        for condition in conditions(one.assessment, one.entry.policy)
        if condition.type in asked and condition.status is ConditionStatus.FALSE
    ]
