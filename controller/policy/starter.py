"""The commented policy that `rightsizer init` prints for a live endpoint.

It proposes nothing: mode `Recommend`, the threshold it was given, and every other field
shown with its default so that a reader learns what there is to set.
"""

import json
import math
from collections.abc import Mapping

from controller.model.endpoint import LATEST, EndpointKey, Kind
from controller.model.policy import Autoscaling, Cadence, Rollout
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size
from controller.policy.amounts import format_memory_mb, format_ratio
from controller.policy.durations import format_duration_ms, format_duration_s
from controller.policy.envelope import API_VERSION, POLICY
from controller.policy.names import slugified

SCHEMA_FILE = "rightsizer.schema.json"


def render_starter(
    key: EndpointKey,
    size: Size,
    *,
    threshold_ms: float,
    alias: str | None = None,
    account_note: str = "",
    observed: Mapping[str, str] | None = None,
    threshold_note: str = "",
) -> str:
    """A policy for `key` as YAML text; it loads without change.

    `threshold_ms` is rounded up to a millisecond. `alias` overrides the key's qualifier.
    `observed` are facts to show as comments ("p95 over 14 days" → "212 ms"); `account_note`
    and `threshold_note` are comments beside the account and the threshold.
    """
    qualifier = alias or key.qualifier
    name = slugified(key.name) or "endpoint"
    lines = [
        *_heading(key, size, observed or {}),
        f"apiVersion: {API_VERSION}",
        f"kind: {POLICY}",
        "metadata:",
        f"  name: {json.dumps(name)}",
        "spec:",
        "  target:",
        f"    kind: {key.kind.value}",
        f"    name: {json.dumps(key.name)}",
        f"    region: {key.region}",
        f"    account: {json.dumps(key.account)}{_beside(account_note)}",
        *_qualifier(key.kind, qualifier),
        "",
        *_MODE,
        "",
        *_slo(key.kind, threshold_ms, threshold_note),
        "",
        *_bounds(size),
        "",
        *_OPTIONAL,
        "",
        *_autoscaling(key.kind),
        *_cadence(),
        "",
        *_rollout(key.kind, qualifier),
        "",
        *_PROBE,
    ]
    return "\n".join(lines) + "\n"


_MODE = (
    "  # Off: not even read. Observe: read, and judge the SLO. Recommend: also say which",
    "  # size is right. Enforce: also change it.",
    "  mode: Recommend",
)


def _heading(key: EndpointKey, size: Size, observed: Mapping[str, str]) -> list[str]:
    facts = [f"#   {_clean(what)}: {_clean(value)}" for what, value in observed.items()]
    return [
        f"# yaml-language-server: $schema={SCHEMA_FILE}",
        f"# For completion in your editor: rightsizer schema > {SCHEMA_FILE}",
        "#",
        f"# {_clean(key.short)} has {_today(size)} today.",
        *(["# Observed:", *facts] if facts else []),
    ]


def _today(size: Size) -> str:
    match size:
        case LambdaSize(memory_mb=memory_mb):
            return format_memory_mb(memory_mb)
        case ServerlessSize(memory_mb=memory_mb, max_concurrency=most):
            warm = size.provisioned_concurrency
            kept = f" ({warm} kept warm)" if warm else ""
            return f"{format_memory_mb(memory_mb)} and at most {most} requests at a time{kept}"
        case RealtimeSize():
            return str(size)


def _qualifier(kind: Kind, qualifier: str) -> list[str]:
    if kind is not Kind.LAMBDA_FUNCTION:
        return [
            "    # The variant, as the endpoint configuration names it.",
            f"    qualifier: {json.dumps(qualifier)}",
        ]
    if qualifier == LATEST:
        return [
            "    # Traffic calls the function itself, so a change takes effect at once. Name an",
            "    # alias here, and call it, to have changes tried on some of the requests first.",
            f'    qualifier: "{LATEST}"',
        ]
    return [
        "    # The alias that traffic calls. Changes are published as a version and shifted to.",
        f"    qualifier: {json.dumps(qualifier)}",
    ]


def _slo(kind: Kind, threshold_ms: float, threshold_note: str) -> list[str]:
    threshold = format_duration_ms(max(1, math.ceil(threshold_ms)))
    return [
        "  slo:",
        "    latency:",
        "      percentile: p95",
        "      # The slowest answer that still counts as good. Only you know it.",
        f"      threshold: {threshold}{_beside(threshold_note)}",
        *([] if kind is Kind.LAMBDA_FUNCTION else _COVERS),
        "    # errorRate: 1%",
        "    window: 1h",
    ]


_COVERS = (
    "      # model: the container's own time. total: all that AWS measures, cold starts and",
    "      # all. client: with the network, which only a probe can tell.",
    "      covers: model",
)

_OPTIONAL = (
    "  # What the endpoint may cost, and what is kept if SLO and budget cannot both be met.",
    "  # budget:",
    '  #   perMonth: "120 USD"',
    "  # onConflict: slo",
    "",
    "  # When changes may start; without windows, at any time.",
    "  # changeWindows:",
    "  #   - days: [Mon, Tue, Wed, Thu, Fri]",
    '  #     start: "09:00"',
    '  #     end: "16:00"',
    "  #     timezone: Europe/Berlin",
)


_PROBE = (
    "  # Requests of our own, for endpoints with too little traffic to judge, and for trying a",
    "  # size on a copy before production sees it. Without payloads none are ever sent; a file is",
    "  # relative to this one, `expect` finds errors that hide behind a 200, and copies run the",
    "  # endpoint's code, so they must be allowed.",
    "  # probe:",
    "  #   payloads:",
    "  #     - file: payloads/example.json",
    "  #       expect:",
    "  #         jsonHas: [label]",
    "  #   live:",
    "  #     every: 15m",
    "  #   shadow:",
    "  #     allowed: true",
    "  #   budget:",
    '  #     perDay: "1 USD"',
)


def _bounds(size: Size) -> list[str]:
    match size:
        case LambdaSize(memory_mb=memory_mb):
            return [
                "  # Sizes to choose from; without bounds, all that AWS offers.",
                "  # bounds:",
                "  #   minMemory: 256Mi",
                f"  #   maxMemory: {format_memory_mb(max(2 * memory_mb, 1024))}",
            ]
        case ServerlessSize(max_concurrency=most):
            return [
                "  # Sizes to choose from: memory is one of 1Gi, 2Gi … 6Gi, never less than the",
                "  # model. Concurrency comes out of a pool that the whole region shares.",
                "  # bounds:",
                "  #   minMemory: 1Gi",
                "  #   maxMemory: 6Gi",
                "  #   minConcurrency: 1",
                f"  #   maxConcurrency: {min(200, max(2 * most, 10))}",
                "  #   maxProvisionedConcurrency: 0  # environments that may be kept warm",
            ]
        case RealtimeSize():
            return [
                "  # Sizes to choose from; without types or families, the family of today's type.",
                "  # GPUs, Graviton and Inferentia are candidates only where they are named.",
                "  # bounds:",
                f"  #   instanceTypes: [{size.instance_type}]",
                f"  #   minInstances: {size.min_instances}",
                f"  #   maxInstances: {max(2 * size.max_instances, 2)}",
            ]


def _autoscaling(kind: Kind) -> list[str]:
    if kind is not Kind.REALTIME_ENDPOINT:
        return []
    scaling = Autoscaling()
    return [
        "  autoscaling:",
        "    # Share of an instance's load within the SLO at which another is started.",
        f"    utilization: {format_ratio(scaling.utilization)}",
        "    # Whether the bounds may move with the hour of the week where demand repeats.",
        f"    schedule: {'true' if scaling.schedule else 'false'}",
        "",
    ]


def _cadence() -> list[str]:
    cadence = Cadence()
    return [
        "  cadence:",
        f"    interval: {format_duration_s(cadence.interval_s)}",
        f"    cooldownUp: {format_duration_s(cadence.cooldown_up_s)}",
        f"    cooldownDown: {format_duration_s(cadence.cooldown_down_s)}",
        "    # History at one size that a decrease must rest on.",
        f"    stabilization: {format_duration_s(cadence.stabilization_s)}",
        "    # A cheaper size must save at least this much to be worth a change.",
        f"    minimumSaving: {format_ratio(cadence.min_saving_ratio)}",
    ]


def _rollout(kind: Kind, qualifier: str) -> list[str]:
    rollout = Rollout()
    share = format_ratio(rollout.canary_share)
    canary = [
        "    # Share of the requests that a new size gets first.",
        f"    canaryShare: {share}",
    ]
    if kind is Kind.SERVERLESS_ENDPOINT:
        canary = [f"    # canaryShare: {share} (serverless endpoints change as a whole)"]
    elif qualifier == LATEST:
        canary = [f"    # canaryShare: {share} (only with an alias)"]
    return [
        "  rollout:",
        *canary,
        f"    bake: {format_duration_s(rollout.bake_s)}",
        f"    maximumBake: {format_duration_s(rollout.max_bake_s)}",
        f"    minimumRequests: {rollout.min_requests}",
    ]


def _beside(note: str) -> str:
    return f"  # {_clean(note)}" if note else ""


def _clean(text: str) -> str:
    """One printable line: a comment must never break out of its line."""
    return "".join(c if c.isprintable() else " " for c in text)
