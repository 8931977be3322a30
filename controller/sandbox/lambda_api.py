"""AWS Lambda: its operations, by name."""

from __future__ import annotations

from collections.abc import Mapping

from controller.sandbox import lambda_concurrency_api as concurrency
from controller.sandbox import lambda_functions_api as functions
from controller.sandbox import lambda_versions_api as versions
from controller.sandbox.lambda_common import locked
from controller.sandbox.lambda_invoke_api import invoke
from controller.sandbox.wire.contract import Handler

_OPERATIONS: Mapping[str, Handler] = {
    "CreateFunction": functions.create_function,
    "GetFunction": functions.get_function,
    "GetFunctionConfiguration": functions.get_function_configuration,
    "ListFunctions": functions.list_functions,
    "UpdateFunctionConfiguration": functions.update_function_configuration,
    "UpdateFunctionCode": functions.update_function_code,
    "DeleteFunction": functions.delete_function,
    "TagResource": functions.tag_resource,
    "UntagResource": functions.untag_resource,
    "ListTags": functions.list_tags,
    "GetAccountSettings": functions.get_account_settings,
    "PublishVersion": versions.publish_version,
    "ListVersionsByFunction": versions.list_versions,
    "CreateAlias": versions.create_alias,
    "UpdateAlias": versions.update_alias,
    "GetAlias": versions.get_alias,
    "ListAliases": versions.list_aliases,
    "DeleteAlias": versions.delete_alias,
    "PutFunctionConcurrency": concurrency.put_function_concurrency,
    "GetFunctionConcurrency": concurrency.get_function_concurrency,
    "DeleteFunctionConcurrency": concurrency.delete_function_concurrency,
    "PutProvisionedConcurrencyConfig": concurrency.put_provisioned,
    "GetProvisionedConcurrencyConfig": concurrency.get_provisioned,
    "ListProvisionedConcurrencyConfigs": concurrency.list_provisioned,
    "DeleteProvisionedConcurrencyConfig": concurrency.delete_provisioned,
    "Invoke": invoke,
}

HANDLERS: Mapping[str, Handler] = {
    name: locked(operation) for name, operation in _OPERATIONS.items()
}
