"""`--pace`: living in the time of a sandbox, which goes faster than ours."""

from typing import TYPE_CHECKING

import click

from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.clock import FollowedClock


def sandbox_time(session: Session, pace: float) -> "FollowedClock":
    """Raises UsageError without a sandbox's address, CommandError where none answers."""
    from controller.cli.exits import CommandError
    from controller.clock import FollowedClock
    from controller.sandbox.client import SandboxClient, SandboxClientError

    url = session.settings.endpoint_url or session.environment.variables.get("AWS_ENDPOINT_URL")
    if not url:
        raise click.UsageError("--pace needs a sandbox: name its --endpoint-url.")
    client = SandboxClient(url)

    def ask() -> float:
        try:
            return client.now_s()
        except SandboxClientError as error:
            raise ConnectionError(str(error)) from error

    try:
        return FollowedClock(ask, pace)
    except ConnectionError as error:
        raise CommandError(str(error)) from error
