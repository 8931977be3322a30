"""`rightsizer probe`: send a few requests of one's own, to the endpoint or to a copy of it."""

from typing import TYPE_CHECKING

import click

from controller.cli.connect import load_policies, wired
from controller.cli.endpoints import complete
from controller.cli.exits import ExitCode
from controller.cli.options import Verb, output_option, policies_option
from controller.cli.output import show_document
from controller.cli.probe_ask import ByHand
from controller.cli.probe_mirrored import mirror
from controller.cli.seen import seen_now
from controller.cli.session import Session, pass_session

if TYPE_CHECKING:
    from controller.model.policy import PolicySet
    from controller.model.probe import ProbeRecord
    from controller.runtime.probe_parts import Ended


@click.command(cls=Verb)
@click.argument("endpoint", shell_complete=complete)
@policies_option()
@click.option("--size", metavar="SIZE", help="Measure a copy of this size: 1536, 2GB, ml.c5.xlarge")
@click.option("--rps", type=click.FloatRange(0.01, 5000.0), help="Requests a second.")
@click.option("--duration", metavar="TIME", help="How long, such as 30s or 5m.")
@click.option(
    "--payload",
    type=click.Path(exists=True, dir_okay=False),
    help="Send this file instead of the policy's payloads.",
)
@click.option(
    "--max-usd", type=click.FloatRange(0.0), help="Most that it may cost; else the policy's budget."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1000),
    help="Let so many workers send the requests; they come to port 5557 of this machine.",
)
@click.option(
    "--mirrored",
    is_flag=True,
    help="Let AWS copy users' requests to a shadow variant of that size, and send none.",
)
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and send nothing.")
@click.option("--yes", is_flag=True, allow_from_autoenv=False, help="Spend without asking.")
@output_option("table", "json", "yaml")
@pass_session
def probe(
    session: Session,
    /,
    *,
    endpoint: str,
    policies: tuple[str, ...],
    output: str,
    yes: bool,
    dry_run: bool,
    mirrored: bool,
    workers: int | None,
    **given: str | float | None,
) -> None:
    """Measure an endpoint, or a copy with another size.

    Without --size the endpoint itself is called, as a client would. With it a copy is made that
    has that size, called, and removed again, whatever happens; production is not touched. What
    it will cost is said, and asked about, before anything is sent. Latencies count from when a
    request was to be sent. What a copy showed is kept as evidence for later decisions.

    With --mirrored a real-time endpoint is deployed with a shadow variant of that instance type,
    which AWS sends copies of users' requests for --duration, and then as it was before.
    """
    from controller.cli.probe_views import probe_document, show_probe

    loaded, by_hand = load_policies(session, policies), ByHand.of(given, yes=yes, dry_run=dry_run)
    if mirrored:
        _show_mirrored(session, output, mirror(session, loaded, endpoint, by_hand))
        return
    ended = measure(session, loaded, endpoint, by_hand, workers)
    if output in {"json", "yaml"}:
        show_document(session, output, probe_document(ended))
    else:
        show_probe(session, ended)
    outcome = ended.record.outcome
    if outcome is not None and not outcome.teaches:
        raise click.exceptions.Exit(ExitCode.ERROR)


def _show_mirrored(session: Session, output: str, record: "ProbeRecord | None") -> None:
    from controller.cli.output import document
    from controller.cli.probe_views import record_document, show_mirrored

    if record is None:
        return
    if output in {"json", "yaml"}:
        show_document(session, output, document("Probe", record_document(record)))
    else:
        show_mirrored(session, record)
    if record.outcome is None or not record.outcome.teaches:
        raise click.exceptions.Exit(ExitCode.ERROR)


def measure(
    session: Session,
    policies: "PolicySet",
    endpoint: str,
    by_hand: ByHand,
    workers: int | None = None,
) -> "Ended":
    """Look, say what it costs, ask, and measure. Raises CommandError, AdapterErrors."""
    from controller.cli.generator import generator
    from controller.cli.journal import opened
    from controller.cli.probe_run import watching
    from controller.runtime.probe_shot import ProbeShot

    if not (by_hand.yes or by_hand.dry_run):
        from controller.cli.apply import require_answer

        require_answer(session)
    seen, _ = seen_now(session, policies, endpoint)
    runner = generator(session, workers)
    store = opened(session.settings)
    with wired(session, store, policies, acting=False, runner=runner) as app:
        assert app.probes is not None
        asked = by_hand.asked(session, app, seen)
        by_hand.agree(session, app, asked)
        app.probes.sweep()
        shot = ProbeShot(app.probes, session.clock, session.wait)
        with watching(session, runner, [asked]) as watcher:
            (ended,) = shot.run([asked], watcher)
    return ended
