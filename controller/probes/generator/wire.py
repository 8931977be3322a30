"""HTTP as Locust's fast client does it (geventhttpclient), with certificates checked.

Locust's own FastHttpUser checks no certificates unless told to; these requests carry payloads
of the user's. Nothing is retried: a retry would hide the very answer that counts.
"""

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from gevent.timeout import Timeout
from geventhttpclient.client import HTTPClient
from geventhttpclient.response import HTTPParseError

from controller.model.probe import Failure
from controller.probes.generator.access import Access, Place
from controller.probes.generator.answers import Answer
from controller.probes.generator.requests import Request

_CONNECT_TIMEOUT_S = 10.0
_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Of the client."""

    connections: int
    answer_s: float
    """Longest wait for the next byte of an answer."""


class Wire:
    """Sends requests; safe to share by greenlets."""

    def __init__(self, access: Access, limits: Limits) -> None:
        self._access = access
        self._client = _client(access.place, limits)

    def send(self, request: Request) -> Answer:
        """One request and its whole answer. Network troubles are answers as well."""
        headers = self._access.signed(request)
        try:
            response = self._client.request("POST", request.path, request.content, headers)
            content = bytes(response.read())
        except (Timeout, TimeoutError) as error:
            return Answer(0, failure=Failure.TIMEOUT, trouble=f"no answer in time ({error})")
        except (OSError, HTTPParseError, ssl.SSLError) as error:
            return Answer(0, failure=Failure.UNREACHABLE, trouble=f"no answer ({error})")
        return Answer(
            status=response.get_code(),
            body=content,
            function_error=_one(response.get("x-amz-function-error")),
            log_tail=_one(response.get("x-amz-log-result")),
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def _one(value: str | list[str] | None) -> str | None:
    return value[0] if isinstance(value, list) else value


def _client(place: Place, limits: Limits) -> HTTPClient:
    return HTTPClient.from_url(
        place.base_url,
        concurrency=limits.connections,
        connection_timeout=_CONNECT_TIMEOUT_S,
        network_timeout=limits.answer_s,
        block_size=_BLOCK_BYTES,
        ssl_options={} if place.ca_bundle is None else {"ca_certs": place.ca_bundle},
        **_proxy(place.base_url),
    )


def _proxy(base_url: str) -> dict[str, str | int | None]:
    """What the usual variables (HTTPS_PROXY, NO_PROXY …) say, as botocore heeds them."""
    target = urlsplit(base_url)
    found = getproxies().get(target.scheme)
    if found is None or proxy_bypass(target.hostname or ""):
        return {}
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    return {
        "proxy_host": proxy.hostname,
        "proxy_port": proxy.port or 80,
        "proxy_user": proxy.username,
        "proxy_password": proxy.password,
    }
