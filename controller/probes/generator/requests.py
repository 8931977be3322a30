"""One payload as an HTTP request to Lambda's Invoke or SageMaker's InvokeEndpoint.

Lambda is asked for the log's tail: its REPORT line tells duration, billing, memory and cold
starts of exactly this call.
"""

import hashlib
from dataclasses import dataclass
from urllib.parse import quote

from controller.model.probe import Body
from controller.probes.order import LAMBDA, Order

_INVOKE = "/2015-03-31/functions/{name}/invocations"
_INVOKE_ENDPOINT = "/endpoints/{name}/invocations"


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """Ready to be signed. Each is itself: payloads are not compared byte by byte."""

    path: str
    """With the query."""
    headers: tuple[tuple[str, str], ...]
    content: bytes


def requests_of(order: Order) -> tuple[Request, ...]:
    """One request per payload, in the order's order."""
    return tuple(_request(order, body) for body in order.bodies)


def _request(order: Order, body: Body) -> Request:
    is_function = order.service == LAMBDA
    path = (_INVOKE if is_function else _INVOKE_ENDPOINT).format(name=quote(order.name, safe=""))
    if is_function and order.qualifier is not None:
        path += f"?Qualifier={quote(order.qualifier, safe='')}"
    headers = {
        "Content-Type": body.content_type,
        # Hashed once: botocore would hash a payload of megabytes again for every request.
        "X-Amz-Content-SHA256": hashlib.sha256(body.content).hexdigest(),
        **(_of_function() if is_function else _of_endpoint(order, body)),
    }
    return Request(path, tuple(headers.items()), body.content)


def _of_function() -> dict[str, str]:
    return {"X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "Tail"}


def _of_endpoint(order: Order, body: Body) -> dict[str, str]:
    wanted = {
        "Accept": body.accept,
        "X-Amzn-SageMaker-Target-Variant": order.variant,
        "X-Amzn-SageMaker-Target-Model": body.target_model,
    }
    return {name: value for name, value in wanted.items() if value is not None}
