"""`rightsizer export`: the journal, whole, as JSON lines."""

import click

from controller.cli.options import Verb
from controller.cli.session import Session, pass_session


@click.command(cls=Verb)
@pass_session
def export(session: Session) -> None:
    """Write the whole journal as JSON lines.

    One consistent state, also while the controller runs. Each line has a type and a value.
    """
    from controller.cli.journal import reading

    with reading(session) as store:
        store.export_json_lines(session.out)
