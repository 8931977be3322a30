"""`rightsizer store init`: make the journal where it does not make itself."""

import click

from controller.cli.journal import opened, table_of
from controller.cli.lazy import Lazy, LazyGroup
from controller.cli.options import Verb
from controller.cli.session import Session, pass_session


@click.group(
    cls=LazyGroup,
    lazy={"init": Lazy("controller.cli.store:init", "Make the journal's table in DynamoDB.")},
)
def store() -> None:
    """Look after the journal."""


@click.command("init", cls=Verb)
@pass_session
def init(session: Session) -> None:
    """Make the journal's table in DynamoDB.

    The table that --store dynamodb://TABLE names: billed by request, with a time to live for
    evidence, and with point-in-time recovery. Run again, it changes nothing. A journal in a
    file makes itself.
    """
    from controller.store.dynamodb.connect import check, client_of, create

    address = session.settings.table
    if address is None:
        opened(session.settings).close()
        session.write(f"The journal {session.settings.store} is there.\n")
        return
    table = table_of(address)
    client = client_of(table)
    try:
        made = create(client, table)
        check(client, table)
    finally:
        client.close()
    session.write(f"The table {table.name} {'was made' if made else 'was there already'}.\n")
