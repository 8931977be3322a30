"""Delivery over HTTP. An address may be a secret: it is in no error and no log line."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

from controller import __version__
from controller.telemetry.notify import bodies
from controller.telemetry.notify.channel import Channel, ChannelType
from controller.telemetry.notify.events import Event

TIMEOUT_S = 10.0
_LATER = {408, 425, 429}


class NotNow(Exception):  # noqa: N818 - named for what it says
    """Could not be delivered; may be if tried again. One phrase, without the address."""


class Never(Exception):  # noqa: N818 - named for what it says
    """Was refused for good. One phrase, without the address."""


def post(channel: Channel, events: Sequence[Event]) -> None:
    """Deliver events as one message. Raises NotNow or Never."""
    content_type = "application/json"
    if channel.type is ChannelType.SLACK:
        body = bodies.slack(events)
    else:
        body, content_type = bodies.cloud_events(events)
    headers = {"Content-Type": content_type, "User-Agent": f"rightsizer/{__version__}"}
    if channel.token is not None:
        headers["Authorization"] = f"Bearer {channel.token}"
    request = urllib.request.Request(  # noqa: S310 - the settings take http and https only
        channel.address, data=body, headers=headers, method="POST"
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            answer.read(4096)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in _LATER or error.code >= 500:
            raise NotNow(f"HTTP {error.code}") from None
        raise Never(f"HTTP {error.code}") from None
    except urllib.error.URLError as error:
        raise NotNow(_why(error.reason)) from None
    except (OSError, http.client.HTTPException) as error:
        raise NotNow(_why(error)) from None


def _why(error: object) -> str:
    """An error's kind; its text may hold the address."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return type(error).__name__


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would send the message, and the token, to somebody else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Not followed: the answer counts as an error."""
        return
