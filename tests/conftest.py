"""What holds for every test: no AWS, no network but loopback, repeatable properties.

Three fences keep a test from ever touching a real account: the environment carries
credentials that no account knows and no profile; HTTPS goes to a proxy that does not
exist, which child processes inherit; and in this process a connection to anything but
loopback fails the test on the spot.
"""

import gc
import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

CI = bool(os.environ.get("CI"))
NOWHERE = "/nonexistent/rightsizer-tests"
GROWN_MB = 64.0

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("dev", deadline=None)
# For `make test-fast`: fewer examples, also where a test asks for a number of its own.
FAST_EXAMPLES = 10
settings.register_profile("fast", deadline=None, max_examples=FAST_EXAMPLES)
settings.load_profile("ci" if CI else "dev")


def pytest_configure() -> None:
    """Before any test module is imported: an environment without a way to AWS, and garbage
    collected as seldom as the daemon does."""
    gc.set_threshold(20_000, 20, 20)
    for name in list(os.environ):
        if name.startswith(("AWS_", "RIGHTSIZER_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID="AKIATESTTESTTESTTEST",
        AWS_SECRET_ACCESS_KEY="not-a-secret",
        AWS_CONFIG_FILE=NOWHERE,
        AWS_SHARED_CREDENTIALS_FILE=NOWHERE,
        AWS_EC2_METADATA_DISABLED="true",
        HTTPS_PROXY="http://127.0.0.1:9",
        NO_PROXY="127.0.0.1,localhost,::1",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Simulated days are quick one by one and slow together: all of them count as slow.

    Tests of whole processes come first: they mostly wait, and one worker does so while the
    others compute. At the end all would wait with them.
    """
    items.sort(key=lambda item: item.get_closest_marker("end_to_end") is None)
    fast = config.getoption("--hypothesis-profile", None) == "fast"
    for item in items:
        if fast:
            _few_examples(item)
        if "simulation" in item.path.relative_to(item.config.rootpath).parts:
            item.add_marker(pytest.mark.slow)


def _few_examples(item: pytest.Item) -> None:
    """Cut a property's own number of examples, which hypothesis keeps on the function."""
    function = getattr(getattr(item, "obj", None), "__func__", getattr(item, "obj", None))
    own = getattr(function, "_hypothesis_internal_use_settings", None)
    if own is not None and own.max_examples > FAST_EXAMPLES:
        function._hypothesis_internal_use_settings = settings(own, max_examples=FAST_EXAMPLES)  # type: ignore[union-attr]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(family: int, address: Any) -> bool:
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True  # Unix sockets and the like never leave the machine
    host = address[0]
    if not _is_address(host):
        return host in ("localhost", "")
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _refuse(host: object) -> None:
    # Not an exception that an adapter could take for an unreachable service.
    pytest.fail(f"a test tried to reach {host}: only loopback is allowed", pytrace=True)


@pytest.fixture(autouse=True)
def _worlds_end_with_their_tests(memory: "Memory") -> Iterator[None]:
    """Whole accounts refer to themselves: they stay until somebody looks for garbage."""
    yield
    memory.tidy()


class Memory:
    """Looks for garbage where this process has grown by more than a world or two."""

    def __init__(self) -> None:
        self._least_mb = self._used_mb()

    def tidy(self) -> None:
        used_mb = self._used_mb()
        if used_mb < self._least_mb + GROWN_MB:
            self._least_mb = min(self._least_mb, used_mb)
            return
        gc.collect()
        self._least_mb = self._used_mb()

    def _used_mb(self) -> float:
        try:
            pages = Path("/proc/self/statm").read_text("ascii").split()[1]
        except OSError:
            return 0.0
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.fixture(scope="session")
def memory() -> Memory:
    return Memory()


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Fail any test that opens a connection, or looks up a name, beyond loopback."""
    patch = pytest.MonkeyPatch()

    def guarded(name: str) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def call(self: socket.socket, *args: Any) -> Any:
            if not _is_loopback(self.family, args[-1]):
                _refuse(args[-1])
            return original(self, *args)

        return call

    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        # An address needs no look-up; it is judged when something connects to it.
        if name and name != "localhost" and not _is_address(name):
            _refuse(name)
        return look_up(host, *args, **kwargs)

    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, guarded(name))
    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Find a program that a test drives: `program("promtool")` gives its path.

    Where it is not installed the test is skipped; under CI that is a failure, so that a
    missing install step cannot hide behind a green run.
    """

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            verdict = pytest.fail if CI else pytest.skip
            verdict(f"{name} is not installed")
        return path

    return find


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent
