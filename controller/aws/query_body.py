"""GetMetricData's queries, written as JSON at once.

botocore walks every member of every query by its model, in Python: with 500 queries that
takes longer than all the rest of a call. Queries hold texts, whole numbers and flags under
their names on the wire, so there is nothing to convert: they are kept from botocore's
serialiser and put into the body it has made, before that is signed.
"""

import json
from typing import Any

_CONTEXT_KEY = "rightsizer-queries"
_MEMBER = "MetricDataQueries"


def attach(client: Any) -> None:
    """Let a CloudWatch client write its queries so, if it speaks JSON to AWS."""
    if client.meta.service_model.resolved_protocol == "json":
        events = client.meta.events
        events.register_last("before-parameter-build.cloudwatch.GetMetricData", _keep)
        events.register_first("before-call.cloudwatch.GetMetricData", _put)


def _keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_CONTEXT_KEY] = params.get(_MEMBER, [])
    params[_MEMBER] = []


def _put(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    body = {**json.loads(params["body"]), _MEMBER: context.pop(_CONTEXT_KEY)}
    params["body"] = json.dumps(body).encode()
