"""What CreateFunction is told for a copy of a function: pure, from what GetFunction says.

The copy has the source's code, runtime, role, environment, network, layers and limits, and
another memory size. What would bring it requests or money of its own is left out: event
sources, aliases, triggers, provisioned concurrency, SnapStart, the dead-letter queue and the
log group that the source may share with others.
"""

from collections.abc import Mapping
from typing import Any

from controller.model.errors import Terminal
from controller.model.probe import Shadow
from controller.model.size import memory_mb_of
from controller.probes.function_code import MOST_BYTES, too_large
from controller.probes.shadow_tags import shadow_tags

Document = Mapping[str, Any]

MOST_RESERVED = 100
"""Of a copy: AWS takes it away from all functions without a share of their own, and refuses what
would leave them less than a hundred. A probe has some eight requests in flight; one that is told
to have more than a hundred (`maxConcurrency`) of such a function is throttled by its copy."""
_AS_THEY_ARE = (
    "Architectures",
    "EphemeralStorage",
    "FileSystemConfigs",
    "Handler",
    "KMSKeyArn",
    "PackageType",
    "Role",
    "Runtime",
    "Timeout",
)
_NOT_TO_COPY = {
    "CapacityProviderConfig": "it runs on instances of its own (Lambda Managed Instances)",
    "DurableConfig": "it is a durable function, whose executions outlive a request",
    "TenancyConfig": "its environments are kept apart by tenant",
}


def creation(shadow: Shadow, source: Document) -> dict[str, Any]:
    """CreateFunction's parameters but for the code. Raises Terminal where no copy can be made."""
    config: Document = source["Configuration"]
    check(shadow, source)
    copied = {name: config[name] for name in _AS_THEY_ARE if config.get(name)}
    copied |= _settings(config)
    return {
        **copied,
        "FunctionName": shadow.id,
        "MemorySize": memory_mb_of(shadow.size),
        "Description": f"A copy of {shadow.key.name} that rightsizer measures and then deletes.",
        "Tags": shadow_tags(shadow, source.get("Tags") or {}),
    }


def _settings(config: Document) -> dict[str, Any]:
    """Members that CreateFunction takes in another form than GetFunction gives them."""
    found: dict[str, Any] = {
        "TracingConfig": _only(config.get("TracingConfig"), "Mode"),
        "VpcConfig": _only(
            config.get("VpcConfig"), "SubnetIds", "SecurityGroupIds", "Ipv6AllowedForDualStack"
        ),
        "Environment": _only(config.get("Environment"), "Variables"),
        "LoggingConfig": _only(
            config.get("LoggingConfig"), "LogFormat", "ApplicationLogLevel", "SystemLogLevel"
        ),
        "Layers": [layer["Arn"] for layer in config.get("Layers") or ()],
        "ImageConfig": (config.get("ImageConfigResponse") or {}).get("ImageConfig"),
    }
    if not (found["VpcConfig"] or {}).get("SubnetIds"):
        del found["VpcConfig"]
    return {name: value for name, value in found.items() if value}


def _only(given: Document | None, *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if name in given} if given else {}


def check(shadow: Shadow, source: Document) -> None:
    """Raises Terminal, with the reason, where no true copy of the function can be made."""
    config, subject = source["Configuration"], f"function {shadow.key.name}"
    for name, why in _NOT_TO_COPY.items():
        if config.get(name):
            raise Terminal(f"No copy of {subject} is made: {why}.")
    if (config.get("Environment") or {}).get("Error"):
        raise Terminal(
            f"The environment variables of {subject} cannot be read, so that no copy of it can "
            "be made: allow kms:Decrypt with the function's key."
        )
    if reserved(source) == 0:
        raise Terminal(f"The {subject} is stopped (its reserved concurrency is 0): no copy runs.")
    if config.get("PackageType", "Zip") == "Zip" and config.get("CodeSize", 0) > MOST_BYTES:
        raise too_large(subject)


def reserved(source: Document) -> int | None:
    """Reserved concurrency that the copy gets: like the source's, which may protect what lies
    behind it, but not more than a hundred; None where the source has none."""
    limit: int | None = (source.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
    return None if limit is None else min(limit, MOST_RESERVED)
