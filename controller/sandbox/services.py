"""The services of the sandbox: one line each."""

from __future__ import annotations

from collections.abc import Mapping

from controller.sandbox import (
    cloudwatch_api,
    lambda_api,
    logs_api,
    pricing_api,
    sts_api,
    tagging_api,
)
from controller.sandbox.wire.contract import Handler

Services = Mapping[str, Mapping[str, Handler]]

SERVICES: Services = {
    "lambda": lambda_api.HANDLERS,
    "cloudwatch": cloudwatch_api.HANDLERS,
    "logs": logs_api.HANDLERS,
    "sts": sts_api.HANDLERS,
    "pricing": pricing_api.HANDLERS,
    "resourcegroupstaggingapi": tagging_api.HANDLERS,
}

# The service name in a SigV4 credential scope, and botocore's name of the service.
SIGNING_NAMES: Mapping[str, str] = {
    "lambda": "lambda",
    "monitoring": "cloudwatch",
    "logs": "logs",
    "sts": "sts",
    "pricing": "pricing",
    "tagging": "resourcegroupstaggingapi",
}
