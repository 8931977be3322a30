"""`rightsizer demo`: the whole loop at work in an embedded AWS."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.connect import tell_only_errors
from controller.cli.exits import CommandError
from controller.cli.interrupts import Interrupts
from controller.cli.options import Verb, output_option
from controller.cli.output import document, show_document
from controller.cli.session import Session, pass_session
from controller.extras import require

if TYPE_CHECKING:
    from controller.demo.ledger import Ledger
    from controller.demo.play import Audience
    from controller.demo.stage import Setting, Stage

DAYS = 3.0
DAY_S = 86_400.0
PATIENCE_S = 100.0
"""On a slow machine the demo ends after so many real seconds, unless a length was asked for."""


@click.command(cls=Verb)
@output_option("table", "json", "yaml")
@click.option("-q", "--quiet", is_flag=True, help="Only the summary.")
@click.option(
    "--seed",
    type=click.IntRange(0, 999_999),
    default=0,
    show_default=True,
    help="Same seed, same demo.",
)
@click.option(
    "--days",
    type=click.FloatRange(0.0, 60.0, min_open=True),
    help=f"How much of its time may pass, however long that takes here; by default {DAYS:g}, or"
    f" what a slow machine manages in {PATIENCE_S:g} seconds.",
)
@click.option(
    "--keep",
    is_flag=True,
    help="Go on at the end, in real time: page, API and sandbox stay up until Ctrl-C.",
)
@pass_session
def demo(
    session: Session, *, output: str, quiet: bool, seed: int, days: float | None, keep: bool
) -> None:
    """Watch the whole loop at work in an embedded AWS.

    An account with functions, serverless and real-time endpoints and two weeks of history, the
    controller in Enforce mode in front of it over HTTP, and three days that pass in about a
    minute. Nothing outside this machine is asked, and nothing of yours is touched.
    """
    require("sandbox", "numpy", "uvicorn")
    with Interrupts() as interrupts:
        from controller.demo.stage import START_S, Setting, opened

        tell_only_errors(session)
        length_s = (DAYS if days is None else days) * DAY_S
        # other commands find data only in a world that lives at the present time
        start_s = math.floor(session.clock.now_s() - length_s) if keep else START_S
        setting = Setting(seed=seed, store=_own_store(session), start_s=start_s)
        with opened(setting) as stage:
            with _audience(session, stage, quiet=quiet, output=output) as audience:
                patience_s = PATIENCE_S if days is None else math.inf
                ledger, wall_s = _perform(
                    session,
                    stage,
                    audience,
                    interrupted=interrupts.check,
                    length_s=length_s,
                    patience_s=patience_s,
                )
            _summarise(session, ledger, setting, wall_s, output)
            if keep:
                from controller.cli.demo_keep import stay

                stay(session, stage)


def _own_store(session: Session) -> Path | None:
    """A new file, if one was named for the demo; never the journal of the controller in use."""
    named = session.flags.get("store")
    if named is None or named == session.environment.get("STORE"):
        return None
    path = Path(named)
    if path.exists():
        raise CommandError(
            f"{path} exists; the demo needs a journal of its own, so name a new file"
        )
    return path


def _perform(
    session: Session,
    stage: "Stage",
    audience: "Audience",
    *,
    interrupted: Callable[[], bool],
    length_s: float,
    patience_s: float,
) -> "tuple[Ledger, float]":
    """Play, and return the ledger and how many real seconds it took."""
    from controller.demo.ledger import drawn_up
    from controller.demo.play import Limits, Play, rest_s

    began_s = session.clock.monotonic_s()

    def out_of_time() -> bool:
        return interrupted() or session.clock.monotonic_s() - began_s > patience_s

    until_s = stage.clock.now_s() + length_s
    course = Play(stage, audience).run(Limits(until_s, rest_s(stage.policies), out_of_time))
    return drawn_up(stage, course), session.clock.monotonic_s() - began_s


def _audience(
    session: Session, stage: "Stage", *, quiet: bool, output: str
) -> "AbstractContextManager[Audience]":
    """A table where a person watches, lines elsewhere; on stderr where stdout is for a machine."""
    from controller.cli.demo_lines import Lines, Nobody

    if quiet:
        return nullcontext(Nobody())
    if output == "table" and session.terminal:
        from controller.cli.demo_live import LiveTable

        return LiveTable(session, stage)
    return nullcontext(Lines(_teller(session, output), stage))


def _teller(session: Session, output: str) -> Callable[[str], None]:
    if output != "table":
        return session.say

    def tell(text: str) -> None:
        session.write(f"{text}\n")
        session.out.flush()

    return tell


def _summarise(
    session: Session, ledger: "Ledger", setting: "Setting", wall_s: float, output: str
) -> None:
    if output == "table":
        from controller.cli.demo_summary import show_summary

        show_summary(session, ledger, wall_s)
        return
    from controller.demo.documents import summary_document

    show_document(
        session, output, document("DemoSummary", summary_document(ledger, setting, wall_s))
    )
