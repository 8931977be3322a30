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
from controller.sandbox.autoscaling import api as autoscaling_api
from controller.sandbox.s3 import api as s3_api
from controller.sandbox.sagemaker import api as sagemaker_api
from controller.sandbox.sagemaker import runtime_api as sagemaker_runtime_api
from controller.sandbox.wire.contract import Handler

Services = Mapping[str, Mapping[str, Handler]]

SERVICES: Services = {
    "lambda": lambda_api.HANDLERS,
    "application-autoscaling": autoscaling_api.HANDLERS,
    "cloudwatch": cloudwatch_api.HANDLERS,
    "logs": logs_api.HANDLERS,
    "s3": s3_api.HANDLERS,
    "sagemaker": sagemaker_api.HANDLERS,
    "sagemaker-runtime": sagemaker_runtime_api.HANDLERS,
    "sts": sts_api.HANDLERS,
    "pricing": pricing_api.HANDLERS,
    "resourcegroupstaggingapi": tagging_api.HANDLERS,
}

# The service name in a SigV4 credential scope, and botocore's name of the service.
SIGNING_NAMES: Mapping[str, str] = {
    "lambda": "lambda",
    "application-autoscaling": "application-autoscaling",
    "monitoring": "cloudwatch",
    "logs": "logs",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "sagemaker-runtime": "sagemaker-runtime",
    "sts": "sts",
    "pricing": "pricing",
    "tagging": "resourcegroupstaggingapi",
}


def service_of(signing_name: str, target: str | None) -> str | None:
    """botocore's name of the service that a request is for; None where it is not here.

    SageMaker and its runtime sign with one name; only the former has an operation in its
    `X-Amz-Target` header (`target`).
    """
    if signing_name == "sagemaker" and target is None:
        return "sagemaker-runtime"
    return SIGNING_NAMES.get(signing_name)
