"""`rightsizer get probes`: what was measured by requests of our own, and what that cost."""

import click

from controller.cli.endpoints import complete, journalled, pick
from controller.cli.options import Verb, output_option
from controller.cli.output import Row, listing, show_document, show_names, show_table
from controller.cli.session import Session, pass_session
from controller.cli.words import UNKNOWN, number, when
from controller.model.missing import Missing
from controller.model.probe import ProbeRecord

COLUMNS = (
    "STARTED",
    "ENDPOINT",
    "SIZE",
    "OUTCOME",
    ">REQUESTS",
    ">FAILED",
    "~>COLD",
    ">P95 MS",
    ">USD",
    "~ACTOR",
)


@click.command(cls=Verb, name="probes")
@click.argument("endpoint", required=False, shell_complete=complete)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most.")
@output_option("table", "json", "yaml", "name")
@pass_session
def probes(session: Session, *, endpoint: str | None, limit: int, output: str) -> None:
    """Probes: what they found and cost.

    Newest first. One without an outcome is under way; the size of a live probe is `live`.
    """
    from controller.cli.journal import reading
    from controller.cli.probe_views import record_document

    with reading(session) as store:
        key = None
        if endpoint is not None:
            key = pick(endpoint, journalled(store), "in the journal")
        found = store.probes(key, limit=limit)
    if output == "name":
        show_names(session, [record.id for record in found])
    elif output in {"json", "yaml"}:
        items = [record_document(record) for record in found]
        show_document(session, output, listing("ProbeList", items))
    elif found:
        show_table(session, COLUMNS, [_row(record) for record in found])
    else:
        session.say("nothing was probed")


def _row(record: ProbeRecord) -> Row:
    from controller.cli.probe_views import cost

    p95 = record.p95_ms
    return (
        when(record.started_at_s),
        record.key.short,
        "live" if record.kind == "Live" else str(record.size),
        "under way" if record.outcome is None else record.outcome.value,
        f"{record.requests:,}",
        f"{record.errors:,}",
        f"{record.cold_starts:,}",
        UNKNOWN if isinstance(p95, Missing) else number(p95),
        cost(record.usd),
        record.actor,
    )
