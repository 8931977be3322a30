"""`rightsizer get pauses`: what people have stopped, and until when."""

import click

from controller.cli.options import Verb, output_option
from controller.cli.output import Document, listing, show_document, show_names, show_table
from controller.cli.session import Session, pass_session
from controller.cli.words import when
from controller.model.condition import Pause


@click.command(cls=Verb, name="pauses")
@output_option("table", "json", "yaml", "name")
@pass_session
def pauses(session: Session, *, output: str) -> None:
    """Who paused what, until when, and why.

    The scope is an endpoint, or * for the whole fleet. A pause that is over stays listed until
    it is lifted or replaced.
    """
    from controller.cli.get_views import PAUSE_COLUMNS, pause_row
    from controller.cli.journal import reading

    with reading(session) as store:
        found = [_document(pause, session.clock.now_s()) for pause in store.pauses()]
    if output == "name":
        show_names(session, [str(item["scope"]) for item in found])
    elif output in {"json", "yaml"}:
        show_document(session, output, listing("PauseList", found))
    elif found:
        show_table(session, PAUSE_COLUMNS, [pause_row(item) for item in found])
    else:
        session.say("nothing is paused")


def _document(pause: Pause, now_s: float) -> Document:
    return {
        "scope": pause.scope,
        "since": when(pause.since_s),
        "until": None if pause.until_s is None else when(pause.until_s),
        "over": pause.until_s is not None and pause.until_s <= now_s,
        "actor": pause.actor,
        "reason": pause.reason,
    }
