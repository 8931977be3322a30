"""`rightsizer demo`: the whole loop at work in an embedded AWS."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from controller.cli.connect import tell_only_errors
from controller.cli.exits import CommandError
from controller.cli.interrupts import Interrupts
from controller.cli.options import Verb, output_option
from controller.cli.output import document, show_document
from controller.cli.session import Session, pass_session

if TYPE_CHECKING:
    from controller.demo.ledger import Ledger
    from controller.demo.play import Audience
    from controller.demo.stage import Setting, Stage

DAYS = 2.0
DAY_S = 86_400.0
PATIENCE_S = 100.0
"""On a slow machine the demo ends after so many real seconds, unless a length was asked for."""


@click.command(cls=Verb)
@output_option("table", "json", "yaml")
@click.option("-q", "--quiet", is_flag=True, help="Only the summary.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Same seed, same demo.",
)
@click.option(
    "--days",
    type=click.FloatRange(0.0, 60.0, min_open=True),
    default=None,
    help=f"How much of its time passes at most.  [default: {DAYS:g}]",
)
@click.option("--keep", is_flag=True, help="Leave the sandbox up at the end, to look around.")
@pass_session
def demo(
    session: Session, *, output: str, quiet: bool, seed: int, days: float | None, keep: bool
) -> None:
    """Watch the whole loop at work in an embedded AWS.

    A small account with two weeks of history, the controller in Enforce mode in front of it
    over HTTP, and two days that pass in less than a minute. Nothing outside this machine is
    asked, and nothing of yours is touched.
    """
    with Interrupts() as interrupts, ExitStack() as after:
        from controller.demo.stage import START_S, Setting, opened

        tell_only_errors(session)
        length_s = (DAYS if days is None else days) * DAY_S
        # what is kept up must be at the present time for other commands to find data in it
        start_s = START_S if not keep else math.floor(session.clock.now_s() - length_s)
        setting = Setting(seed=seed, store=_own_store(session), start_s=start_s)
        session.progress("starting the sandbox and the controller")
        stage = after.enter_context(opened(setting))
        audience = after.enter_context(_audience(session, stage, quiet, output))
        patience_s = PATIENCE_S if days is None else math.inf
        ledger, wall_s = _perform(session, stage, audience, interrupts, length_s, patience_s)
        after_show = after.pop_all() if keep else ExitStack()
        after.close()
        with after_show:
            _summarise(session, ledger, setting, wall_s, output)
            if keep:
                _stay(session, stage)
