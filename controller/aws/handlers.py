"""What is hung on every client's events: what may be sent, and what counts as an answer."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from controller.model.errors import Unreachable

Gate = Callable[[], None]
"""Lets a request go, or raises."""


class Gated:
    """botocore's handler before each attempt; None lets the request go."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __call__(self, **_: Any) -> None:
        self._gate()


def refuse_web_page(http_response: Any, model: Any, **_: Any) -> None:
    # botocore takes any page with status 200 for an answer without members, and a proxy's
    # 403 for AWS's. (With 5xx it says the right thing: try again.)
    is_page = str(http_response.headers.get("Content-Type", "")).startswith("text/html")
    if is_page and http_response.status_code < 500:
        host = urlsplit(http_response.url).netloc
        raise Unreachable(
            f"{model.name} was answered by something that is not AWS (a web page from {host}): "
            "check the endpoint address and the proxy.",
            operation=model.name,
            code="NotAws",
        )
