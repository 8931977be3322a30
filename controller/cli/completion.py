"""`rightsizer completion`: code that makes a shell complete our commands and options."""

import click

from controller.cli.options import Verb
from controller.cli.session import Session, pass_session

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(SHELLS))
@pass_session
def completion(session: Session, shell: str) -> None:
    """Print a shell's completion code.

    For bash: eval "$(rightsizer completion bash)" in ~/.bashrc; zsh and fish alike.
    """
    from click.shell_completion import get_completion_class

    from controller.cli.main import COMPLETE, PROGRAM, cli

    found = get_completion_class(shell)
    assert found is not None
    session.write(found(cli, {"obj": session}, PROGRAM, COMPLETE).source())
