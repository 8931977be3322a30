"""`rightsizer version`."""

import platform

import click

from controller import __version__
from controller.cli.options import Verb, output_option
from controller.cli.output import document, show_document
from controller.cli.session import Session, pass_session


@click.command(cls=Verb)
@output_option("table", "json", "yaml")
@pass_session
def version(session: Session, output: str) -> None:
    """Print the version.

    The other forms add the Python it runs on and the version of policies it reads.
    """
    if output == "table":
        session.write(f"rightsizer {__version__}\n")
        return
    content = {"version": __version__, "python": platform.python_version()}
    show_document(session, output, document("Version", content))
