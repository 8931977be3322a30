"""A version's configuration, from Lambda's answer to the value that decisions rest on."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.model.endpoint import LATEST, FunctionConfig

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import FunctionConfigurationResponseTypeDef

_RELEASED_FIELDS = (
    "Architectures",
    "CodeSha256",
    "DeadLetterConfig",
    "Environment",
    "EphemeralStorage",
    "FileSystemConfigs",
    "Handler",
    "ImageConfigResponse",
    "KMSKeyArn",
    "Layers",
    "LoggingConfig",
    "PackageType",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
    "VpcConfig",
)
"""What a release may change. Memory is ours; state, revision and times are AWS's."""


def function_config(
    answer: "FunctionConfigurationResponseTypeDef | Mapping[str, Any]",
) -> FunctionConfig:
    """One version's configuration from Lambda's answer, without what we must not keep.

    Environment variables and the like enter the fingerprint only as a hash.
    """
    fields: Mapping[str, Any] = {**answer}
    released = {name: fields.get(name) for name in _RELEASED_FIELDS}
    released["SnapStart"] = (fields.get("SnapStart") or {}).get("ApplyOn")
    text = json.dumps(released, sort_keys=True, default=str)
    logging = fields.get("LoggingConfig") or {}
    return FunctionConfig(
        version=fields.get("Version", LATEST),
        memory_mb=fields["MemorySize"],
        revision_id=fields.get("RevisionId", ""),
        code_sha256=fields["CodeSha256"],
        architecture=(fields.get("Architectures") or ["x86_64"])[0],
        timeout_s=fields.get("Timeout", 3),
        package_type=fields.get("PackageType", "Zip"),
        runtime=fields.get("Runtime"),
        role=fields.get("Role", ""),
        update_status=fields.get("LastUpdateStatus", "Successful"),
        update_reason=fields.get("LastUpdateStatusReason", ""),
        state=fields.get("State", "Active"),
        last_modified_s=_instant_s(fields["LastModified"]),
        log_group=logging.get("LogGroup") or f"/aws/lambda/{fields['FunctionName']}",
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _instant_s(text: str) -> float:
    """Lambda writes times as `2026-01-31T12:00:00.000+0000`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
