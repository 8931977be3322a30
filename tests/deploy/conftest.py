"""An emulated AWS that tests of deployments share."""

from collections.abc import Iterator

import pytest
from emulated_aws import EmulatedAws


@pytest.fixture
def aws() -> Iterator[EmulatedAws]:
    """One that knows nothing yet."""
    room = pytest.importorskip("moto.server")
    server = room.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    emulated = EmulatedAws(f"http://{host}:{port}")
    yield emulated
    emulated.forget()
    server.stop()
