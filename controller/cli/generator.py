"""The load generator as commands start it: beside the journal, in this process's environment."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.session import Session

if TYPE_CHECKING:
    from controller.probes.runner import LocustRunner

FOLDER = "probes"


def generator(session: Session, workers: int | None = None) -> "LocustRunner":
    """Makes no process, and needs nothing installed, until a probe is started.

    `workers`: so many of Locust's send the requests; None: the generator itself does.
    """
    from controller.probes.runner import LocustRunner, Workers

    settings = session.settings
    # Without a journal's file there is no folder of ours; a container has its scratch space.
    scratch = Path(tempfile.gettempdir()) / f"rightsizer-{os.getuid()}-{FOLDER}"
    folder = settings.store.parent / FOLDER if settings.table is None else scratch
    environment = dict(session.environment.variables)
    url = session.settings.endpoint_url
    if url is not None:
        environment["AWS_ENDPOINT_URL"] = url
    crew = None if workers is None else Workers(workers)
    return LocustRunner(session.clock, folder, environment, crew)
