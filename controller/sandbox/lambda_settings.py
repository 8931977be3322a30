"""Members of a function's configuration that the sandbox keeps as they were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SETTINGS = (
    "VpcConfig", "DeadLetterConfig", "Environment", "KMSKeyArn", "TracingConfig", "Layers",
    "FileSystemConfigs", "ImageConfig", "EphemeralStorage", "SnapStart", "LoggingConfig",
)  # fmt: skip


def settings_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """What a request gives of them, in the form in which answers show them."""
    given = {name: params[name] for name in _SETTINGS if params.get(name) is not None}
    if "Layers" in given:
        given["Layers"] = [{"Arn": arn, "CodeSize": 1_000_000} for arn in given["Layers"]]
    if "ImageConfig" in given:
        given["ImageConfigResponse"] = {"ImageConfig": given.pop("ImageConfig")}
    return given
