"""The load generator as commands start it: beside the journal, in this process's environment."""

from typing import TYPE_CHECKING

from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.probes.runner import LocustRunner

FOLDER = "probes"


def generator(session: Session) -> "LocustRunner":
    """Makes no process, and needs nothing installed, until a probe is started."""
    from controller.probes.runner import LocustRunner

    folder = session.settings.store.parent / FOLDER
    environment = dict(session.environment.variables)
    url = session.settings.endpoint_url
    if url is not None:
        environment["AWS_ENDPOINT_URL"] = url
    return LocustRunner(session.clock, folder, environment)
