"""`rightsizer doctor`: is everything there that the controller needs?"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from controller.cli.connect import wired
from controller.cli.exits import CommandError
from controller.cli.options import Verb, output_option, policies_option
from controller.cli.output import Cell, listing, show_document, show_table
from controller.cli.session import Session, pass_session
from controller.core.sentence import counted

if TYPE_CHECKING:
    from controller.model.policy import PolicySet
    from controller.runtime.diagnose import Finding
    from controller.runtime.subjects import Subject

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command(cls=Verb)
@policies_option(required=False)
@click.option("--region", metavar="REGION", help="Where to try, without policies.")
@click.option(
    "--try-enforce",
    is_flag=True,
    help="Try the calls of mode Enforce too, whatever the policies' modes, with a revision that "
    "AWS must refuse.",
)
@output_option("table", "json", "yaml")
@pass_session
def doctor(
    session: Session,
    *,
    policies: tuple[str, ...],
    region: str | None,
    try_enforce: bool,
    output: str,
) -> None:
    """Check credentials, permissions, clock, prices, journal.

    Makes one harmless call for each permission, in every place that the policies speak of.
    Each line says ok, warn or fail, and what to do; one fail makes the exit code 1.
    """
    findings = [*_journal(session)]
    loaded = _policies(session, policies, findings)
    if loaded is not None:
        findings += _aws(session, loaded, region, try_enforce=try_enforce)
    failed = sum(1 for finding in findings if finding.verdict == "fail")
    if output == "table":
        rows = [
            (Cell(f.verdict.value, _STYLES[f.verdict.value]), f.check, f.where, f.message)
            for f in findings
        ]
        show_table(session, ("", "CHECK", "WHERE", "WHAT"), rows)
    else:
        items = [
            {
                "check": f.check,
                "where": f.where,
                "verdict": f.verdict.value,
                "message": f.message,
            }
            for f in findings
        ]
        show_document(session, output, listing("DoctorReport", items, ok=not failed))
    if failed:
        raise CommandError(f"{counted(failed, 'check')} failed")


def _journal(session: Session) -> "Iterator[Finding]":
    """Whether the journal can be used, without making one."""
    from controller.cli.journal import reading
    from controller.model.errors import StoreError
    from controller.runtime.diagnose import Finding, Verdict

    path = session.settings.store
    if session.settings.table is not None:
        yield _table(session)
        return
    if not path.exists():
        parent = next(p for p in (path.absolute().parent, *path.absolute().parents) if p.exists())
        able = os.access(parent, os.W_OK) and parent.is_dir()
        text = "will be made at the first start" if able else f"{parent} is not writable"
        yield Finding("journal", str(path), Verdict.OK if able else Verdict.FAIL, text)
        return
    try:
        with reading(session) as store:
            count = len(store.assessments())
            running = "a controller runs on it" if store.daemon_running() else "no controller runs"
    except (StoreError, CommandError) as error:
        yield Finding("journal", str(path), Verdict.FAIL, str(error))
        return
    able = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    text = f"{counted(count, 'endpoint')}, {running}" + ("" if able else "; not writable by us")
    yield Finding("journal", str(path), Verdict.OK if able else Verdict.FAIL, text)


def _table(session: Session) -> "Finding":
    """Whether the journal's table is there, and ours to read."""
    from controller.cli.journal import reading
    from controller.model.errors import AdapterError
    from controller.runtime.diagnose import Finding, Verdict

    where = str(session.settings.table).partition("?")[0]
    try:
        with reading(session) as store:
            term = store.newest_term()
    except AdapterError as error:
        return Finding("journal", where, Verdict.FAIL, str(error))
    led = f"a controller has led it, in term {term}" if term else "no controller has led it yet"
    return Finding("journal", where, Verdict.OK, led)


def _policies(
    session: Session, paths: tuple[str, ...], findings: "list[Finding]"
) -> "PolicySet | None":
    """The policies, with findings about them; None where they cannot be used."""
    from controller.model.policy import FleetLimits, PolicySet
    from controller.policy import PolicyInvalid, load_with_warnings
    from controller.runtime.diagnose import Finding, Verdict

    if not paths:
        return PolicySet((), FleetLimits(), "")
    where = ", ".join(paths)
    try:
        loaded, warnings = load_with_warnings(paths, session.stdin)
    except PolicyInvalid as invalid:
        findings += [
            Finding("policies", where, Verdict.FAIL, str(problem)) for problem in invalid.problems
        ]
        return None
    findings += [Finding("policies", where, Verdict.WARN, str(warning)) for warning in warnings]
    if not warnings:
        count = counted(len(loaded.policies), "policy", "policies")
        findings.append(Finding("policies", where, Verdict.OK, count))
    return loaded


def _aws(
    session: Session, policies: "PolicySet", region: str | None, *, try_enforce: bool
) -> "list[Finding]":
    from controller.runtime.diagnose import Doctor
    from controller.store.sqlite import SqliteStore

    places = _places(session, policies, region)
    with wired(session, SqliteStore.open(":memory:"), policies, acting=False) as app:
        physician = Doctor(
            app.sessions, app.identity, app.prices, session.clock, try_changes=try_enforce
        )
        findings: list[Finding] = []
        for place in places:
            session.progress(f"trying {place.where}")
            findings += physician.examine(place)
    return findings


def _places(session: Session, policies: "PolicySet", region: str | None) -> "list[Subject]":
    from controller.cli.init import region_of
    from controller.model.policy import Scope
    from controller.runtime.subjects import anything, subjects

    found = subjects(policies)
    return found or [anything(Scope(region_of(session, region)))]
