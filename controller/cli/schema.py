"""`rightsizer schema`: the JSON Schema of policy documents."""

import click

from controller.cli.options import Verb
from controller.cli.session import Session, pass_session


@click.command(cls=Verb)
@pass_session
def schema(session: Session) -> None:
    """Print the JSON Schema of policies.

    Editors use it for completion: save it, and name it in the first line of a policy file,
    as `rightsizer init` and the examples do.
    """
    from controller.policy.published import schema_text

    session.write(schema_text())
