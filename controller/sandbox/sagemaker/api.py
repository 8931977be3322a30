"""Amazon SageMaker: its control plane's operations, by name."""

from __future__ import annotations

from collections.abc import Mapping

from controller.sandbox.lambda_common import locked
from controller.sandbox.sagemaker import endpoints_api as endpoints
from controller.sandbox.sagemaker import plain_api as plain
from controller.sandbox.sagemaker.update_api import update_endpoint
from controller.sandbox.wire.contract import Handler

_OPERATIONS: Mapping[str, Handler] = {
    "CreateModel": plain.create_model,
    "DescribeModel": plain.describe_model,
    "DeleteModel": plain.delete_model,
    "ListModels": plain.list_models,
    "CreateEndpointConfig": plain.create_config,
    "DescribeEndpointConfig": plain.describe_config,
    "DeleteEndpointConfig": plain.delete_config,
    "ListEndpointConfigs": plain.list_configs,
    "CreateEndpoint": endpoints.create_endpoint,
    "DescribeEndpoint": endpoints.describe_endpoint,
    "UpdateEndpoint": update_endpoint,
    "DeleteEndpoint": endpoints.delete_endpoint,
    "ListEndpoints": endpoints.list_endpoints,
    "UpdateEndpointWeightsAndCapacities": endpoints.update_capacities,
    "AddTags": plain.add_tags,
    "ListTags": plain.list_tags,
    "DeleteTags": plain.delete_tags,
}

HANDLERS: Mapping[str, Handler] = {
    name: locked(operation) for name, operation in _OPERATIONS.items()
}
