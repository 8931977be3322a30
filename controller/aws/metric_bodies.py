"""GetMetricData's queries and results, written and read as JSON at once.

botocore walks every member of every query and every point by its model, in Python: with 500
series that takes longer than all the rest of a call. Queries hold texts, whole numbers and
flags under their names on the wire, and results lists of numbers, so there is next to nothing
to convert: both are kept from botocore, and put into the body it has made before that is
signed, and into the answer it has parsed.
"""

import json
from typing import Any

from controller.aws.timestamps import epoch_seconds

_CONTEXT_KEY = "rightsizer-queries"
_ASKED = "MetricDataQueries"
_ANSWERED = "MetricDataResults"


def attach(client: Any) -> None:
    """Let a CloudWatch client do so, if it speaks JSON to AWS. Timestamps of results are
    epoch seconds."""
    if client.meta.service_model.resolved_protocol == "json":
        events = client.meta.events
        events.register_last("before-parameter-build.cloudwatch.GetMetricData", _keep)
        events.register_first("before-call.cloudwatch.GetMetricData", _put)
        events.register("before-parse.cloudwatch.GetMetricData", _take)


def _keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_CONTEXT_KEY] = params.get(_ASKED, [])
    params[_ASKED] = []


def _put(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    body = {**json.loads(params["body"]), _ASKED: context.pop(_CONTEXT_KEY)}
    params["body"] = json.dumps(body).encode()


def _take(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] >= 300:
        return
    try:
        answer = json.loads(response_dict["body"])
        results = answer.pop(_ANSWERED)
        for result in results:
            result["Timestamps"] = list(map(epoch_seconds, result.get("Timestamps", ())))
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # not what CloudWatch answers: botocore's to judge
    response_dict["body"] = json.dumps(answer).encode()
    customized_response_dict[_ANSWERED] = results
