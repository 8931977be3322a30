"""The listener on real sockets: found, refused, stopped."""

import http.client
import socket
import threading
from collections.abc import Iterator

import pytest

from controller.model.errors import Terminal
from controller.web.app import build_app
from controller.web.checks import Check, Checks
from controller.web.listener import Listener


class Slow:
    """A health provider that holds its answer back until told."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()

    def __call__(self) -> Checks:
        self.asked.set()
        self.go.wait(10)
        return {"slow": Check(True, "at last")}


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def listener(slow: Slow) -> Iterator[Listener]:
    app = build_app(
        metrics=lambda _: (b"up 1\n", "text/plain"),
        live=lambda: {"fine": Check(True, "fine")},
        ready=slow,
    )
    listener = Listener(app)
    listener.start()
    yield listener
    slow.go.set()
    listener.stop()


def get(listener: Listener, page: str) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
    connection.request("GET", page)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, dict(answer.getheaders())


def test_it_answers_as_soon_as_it_has_started(listener: Listener) -> None:
    assert listener.port > 0
    assert listener.url == f"http://127.0.0.1:{listener.port}"
    status, body, headers = get(listener, "/metrics")
    assert (status, body) == (200, b"up 1\n")
    assert "server" not in {name.lower() for name in headers}


def test_it_listens_on_loopback_only(listener: Listener) -> None:
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", listener.port))


def test_a_slow_page_does_not_hold_up_the_others(listener: Listener, slow: Slow) -> None:
    answers: list[int] = []
    asker = threading.Thread(target=lambda: answers.append(get(listener, "/readyz")[0]))
    asker.start()
    assert slow.asked.wait(10)
    assert get(listener, "/healthz")[0] == 200
    assert answers == []
    slow.go.set()
    asker.join()
    assert answers == [200]


def test_stopping_answers_what_is_under_way(listener: Listener, slow: Slow) -> None:
    answers: list[int] = []
    asker = threading.Thread(target=lambda: answers.append(get(listener, "/readyz")[0]))
    asker.start()
    assert slow.asked.wait(10)
    stopper = threading.Thread(target=listener.stop)
    stopper.start()
    slow.go.set()
    stopper.join()
    asker.join()
    assert answers == [200]


def test_a_stopped_listener_is_gone_and_its_port_free(listener: Listener) -> None:
    port = listener.port
    get(listener, "/metrics")
    listener.stop()
    listener.stop()
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.1", port))
    again = Listener(build_app(metrics=lambda _: (b"", ""), live=dict, ready=dict), port=port)
    again.start()
    assert again.port == port
    again.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "listener"]


def test_a_taken_port_is_refused_in_one_sentence(listener: Listener) -> None:
    app = build_app(metrics=lambda _: (b"", ""), live=dict, ready=dict)
    second = Listener(app, port=listener.port)
    with pytest.raises(Terminal) as caught:
        second.start()
    assert str(caught.value) == (
        f"port {listener.port} on 127.0.0.1 is taken by another program; choose another one"
    )
    second.stop()


@pytest.mark.parametrize(
    ("host", "port", "sentence"),
    [
        ("192.0.2.1", 0, "192.0.2.1 is not an address of this machine"),
        ("127.0.0.1", 70_000, "cannot listen on 127.0.0.1 port 70000: "),
    ],
)
def test_an_address_that_cannot_be_had(host: str, port: int, sentence: str) -> None:
    listener = Listener(
        build_app(metrics=lambda _: (b"", ""), live=dict, ready=dict), host=host, port=port
    )
    with pytest.raises(Terminal) as caught:
        listener.start()
    assert str(caught.value).startswith(sentence)


def test_ipv6_where_the_machine_has_it() -> None:
    app = build_app(metrics=lambda _: (b"up 1\n", "text/plain"), live=dict, ready=dict)
    listener = Listener(app, host="::1")
    try:
        listener.start()
    except Terminal as error:
        pytest.skip(f"no IPv6 here: {error}")
    assert listener.url.startswith("http://[::1]:")
    connection = http.client.HTTPConnection("::1", listener.port, timeout=10)
    connection.request("GET", "/metrics")
    assert connection.getresponse().read() == b"up 1\n"
    connection.close()
    listener.stop()
