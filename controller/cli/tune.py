"""`rightsizer tune`: search for an endpoint's best size with copies, and say what it cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from controller.cli.connect import load_policies, wired
from controller.cli.endpoints import complete
from controller.cli.exits import CommandError
from controller.cli.options import Verb, output_option, policies_option
from controller.cli.output import show_document
from controller.cli.seen import seen_now
from controller.cli.session import Session, pass_session
from controller.cli.tune_ask import Wish

if TYPE_CHECKING:
    from controller.app import App
    from controller.model.policy import PolicySet
    from controller.probes.runner import LocustRunner
    from controller.runtime.tune_parts import Subject
    from controller.runtime.tune_table import Tuned

STRATEGIES = ("slo", "cost", "speed", "balanced")


@click.command(cls=Verb)
@click.argument("endpoint", shell_complete=complete)
@policies_option()
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default="slo",
    show_default=True,
    help="slo: the cheapest that meets the SLO. cost, speed: regardless of the SLO.",
)
@click.option(
    "--weight",
    type=click.FloatRange(0.0, 1.0),
    default=0.5,
    show_default=True,
    help="Of cost against speed, where balanced.",
)
@click.option("--sizes", metavar="LIST", help="Only these, such as 512,1024,2GB.")
@click.option(
    "--calls", type=click.IntRange(5, 1000), default=20, show_default=True, help="To one copy."
)
@click.option(
    "--parallel", type=click.IntRange(1, 10), default=3, show_default=True, help="Copies at once."
)
@click.option(
    "--payload",
    type=click.Path(exists=True, dir_okay=False),
    help="Send this file instead of the policy's payloads.",
)
@click.option("--max-usd", type=click.FloatRange(0.0), help="Most that the search may cost.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True),
    help="Draw cost and latency by size into this file (.svg or .png).",
)
@click.option("--dry-run", is_flag=True, help="Say what it may cost, and send nothing.")
@click.option(
    "--apply", "apply_", is_flag=True, help="Change to the result, with canary and verdict."
)
@click.option(
    "--yes", is_flag=True, allow_from_autoenv=False, help="Spend, and change, without asking."
)
@output_option("table", "wide", "json", "yaml")
@pass_session
def tune(
    session: Session, /, *, endpoint: str, policies: tuple[str, ...], output: str, **given: Any
) -> None:
    """Search for the best size with copies.

    Calls copies of it with other sizes, a few calls each, and lets what they show decide which
    size is worth a look next: far fewer calls than trying every size. Production is not touched
    unless --apply says so; then the result goes the way of every change, with a canary and a way
    back. What the search may cost is said, and asked about, before; what it cost, after.
    """
    from controller.cli.tune_views import show_tuned, tune_document

    wish = Wish.of(given)
    loaded = load_policies(session, policies)
    subject, tuned = search(session, loaded, endpoint, wish)
    if output in {"json", "yaml"}:
        show_document(session, output, tune_document(subject, tuned))
    else:
        show_tuned(session, subject, tuned, wide=output == "wide")
    if wish.plot is not None:
        from controller.cli.tune_plot import draw

        draw(wish.plot, subject, tuned)
        session.say(f"drawn into {wish.plot}")
    if wish.apply:
        from controller.cli.tune_apply import apply_tuned

        apply_tuned(session, loaded, subject, tuned, yes=wish.yes)


def search(
    session: Session, policies: "PolicySet", endpoint: str, wish: Wish
) -> "tuple[Subject, Tuned]":
    """Look, ask, search. Raises CommandError, UsageError, AdapterErrors."""
    from controller.cli.generator import generator
    from controller.cli.journal import opened

    wish.check(session)
    seen, rows = seen_now(session, policies, endpoint)
    runner = generator(session)
    store = opened(session.settings)
    with wired(
        session, store, policies, acting=False, runner=runner, probes_of_one=wish.parallel
    ) as app:
        subject = wish.subject(session, app, seen, rows)
        wish.agree(session, app, subject)
        assert app.probes is not None
        app.probes.sweep()
        return subject, _searched(session, app, runner, subject, wish)


def _searched(
    session: Session, app: "App", runner: "LocustRunner", subject: "Subject", wish: Wish
) -> "Tuned":
    from controller.cli.probe_run import watching
    from controller.kinds.realtime_endpoint.kind import RealtimeSizing
    from controller.model.errors import Conflict
    from controller.model.size import RealtimeSize
    from controller.runtime.probe_parts import Asked, Ended
    from controller.runtime.probe_shot import ProbeShot
    from controller.runtime.tune_instances import InstanceShot
    from controller.runtime.tune_shot import TuneShot

    assert app.probes is not None
    shot = ProbeShot(app.probes, session.clock, session.wait)

    def measure(asked: "Sequence[Asked]") -> "Sequence[Ended]":
        with watching(session, runner, asked) as watcher:
            return shot.run(asked, watcher)

    try:
        if isinstance(subject.state.size, RealtimeSize):
            sizing = app.rules[subject.key.kind].sizing(app.prices, subject.state)
            assert isinstance(sizing, RealtimeSizing), "instances are sized by their own kind"
            shot_of = InstanceShot(subject, sizing, app.prices, measure, say=session.say)
            return shot_of.run(wish.most_usd(session, app, subject))
        limits = wish.limits(session, app, subject)
        tuner = TuneShot(subject, app.prices, measure, limits=limits, say=session.say)
        return tuner.run(wish.goal(subject), wish.sizes_mb(subject))
    except Conflict as error:
        raise CommandError(str(error).rstrip(".")) from error
