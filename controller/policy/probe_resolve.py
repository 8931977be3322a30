"""`probe:` from what was written to the frozen value, and back to its canonical form.

Names of files are resolved from the file that gave them. The canonical form has them as the
policy's own file would, so that moving a policy together with its payloads changes nothing.
Stairs become phases.
"""

from collections.abc import Collection
from decimal import Decimal
from posixpath import dirname, isabs, join, normpath, relpath
from typing import Any

from controller.model.endpoint import Kind
from controller.model.probing import (
    Expect,
    LiveProbe,
    PayloadSource,
    Phase,
    ProbeBudget,
    Probing,
    StopRules,
)
from controller.policy.amounts import UNLIMITED, format_money_usd, format_ratio
from controller.policy.durations import format_duration_ms, format_duration_s
from controller.policy.kind_fields import belongs
from controller.policy.merging import MergedPolicy
from controller.policy.probe_documents import (
    ExpectSpec,
    LiveProbeSpec,
    PayloadSpec,
    PhaseSpec,
    ProbeBudgetSpec,
    ShadowProbeSpec,
    StopSpec,
)
from controller.policy.probe_fields import AUTO, NEVER
from controller.policy.rates import format_rate_rps, parse_rate_rps


def probing(merged: MergedPolicy) -> Probing | None:
    """The policy's probes; None where it has nothing to send and nothing is mirrored."""
    spec = merged.spec.probe
    if spec is None:
        return None
    shadow = spec.shadow or ShadowProbeSpec()
    mirrored = shadow.mirrored if belongs(merged.spec, "probe.shadow.mirrored") else None
    if not spec.payloads and not mirrored:
        return None
    return Probing(
        payloads=tuple(_payload(merged, payload) for payload in spec.payloads or ()),
        live=_live(spec.live),
        phases=_phases(shadow),
        stop=_stop(spec.stop or StopSpec()),
        budget=_budget(spec.budget or ProbeBudgetSpec()),
        **_given(
            shadows=shadow.allowed,
            mirrored=mirrored,
            warm_up=spec.warm_up,
            max_in_flight=_unless_auto(spec.max_concurrency),
            spare_share=spec.spare_share,
            time_limit_s=spec.time_limit,
            locustfile=_from_policy(merged, "locustfile", spec.locustfile),
        ),
    )


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _unless_never(value: object) -> Any:
    return None if value in {NEVER, UNLIMITED} else value


def _unless_auto(value: int | str | None) -> int | None:
    return value if isinstance(value, int) else None


def _payload(merged: MergedPolicy, spec: PayloadSpec) -> PayloadSource:
    return PayloadSource(
        inline=spec.inline,
        file=_from_policy(merged, "payloads", spec.file),
        s3=spec.s3,
        accept=spec.accept,
        target_model=spec.target_model,
        expect=None if spec.expect is None else _expect(spec.expect),
        **_given(weight=spec.weight, content_type=spec.content_type),
    )


def _expect(spec: ExpectSpec) -> Expect:
    return Expect(spec.status, spec.contains, spec.matches, tuple(spec.json_has or ()))


def _from_policy(merged: MergedPolicy, field: str, path: str | None) -> str | None:
    """A path as it stands beside whichever file gave it."""
    document = merged.written(("spec", "probe", field))
    if path is None or document is None:
        return path
    return normpath(join(dirname(document.file), path))


def _beside(path: str | None, policy_file: str) -> str | None:
    """The path as the policy's file would write it, where that can be told."""
    folder = dirname(policy_file)
    if path is None or isabs(path) != isabs(folder):
        return path
    inside = not isabs(folder) or path.startswith(f"{folder}/")
    return relpath(path, folder or ".") if inside else path


def _live(spec: LiveProbeSpec | None) -> LiveProbe | None:
    if spec is None or spec.every == NEVER:
        return None
    return LiveProbe(**_given(every_s=spec.every, requests=spec.requests, rps=spec.rate))


def _phases(spec: ShadowProbeSpec) -> tuple[Phase, ...]:
    if spec.stairs is not None:
        steps = [spec.stairs.rate_per_step * (step + 1) for step in range(spec.stairs.steps)]
        # As it would be read from the canonical form: 3 x 0.1 is 0.3 there.
        rates = [parse_rate_rps(format_rate_rps(rate)) for rate in steps]
        return tuple(Phase(rate, rate, spec.stairs.duration) for rate in rates)
    return tuple(_phase(phase) for phase in spec.phases or ())


def _phase(spec: PhaseSpec) -> Phase:
    return Phase(spec.rate, spec.rate if spec.to is None else spec.to, spec.duration)


def _stop(spec: StopSpec) -> StopRules:
    written = {
        "p95_ms": spec.p95,
        "error_ratio": spec.error_rate,
        "max_requests": spec.max_invocations,
        "flat_throughput": spec.flat_throughput,
    }
    return StopRules(**{name: _unless_never(v) for name, v in written.items() if v is not None})


def _budget(spec: ProbeBudgetSpec) -> ProbeBudget:
    written = {"usd_per_probe": spec.per_probe, "usd_per_day": spec.per_day}
    return ProbeBudget(
        **{
            name: float(usd) if isinstance(usd, Decimal) else None
            for name, usd in written.items()
            if usd is not None
        }
    )


def probe_document(value: Probing, kinds: Collection[Kind], file: str = "") -> dict[str, Any]:
    """The canonical form, which resolves to an equal value in a policy of these kinds in `file`."""
    realtime = Kind.REALTIME_ENDPOINT in kinds
    return {
        "payloads": [_payload_document(payload, file) for payload in value.payloads],
        "live": _live_document(value.live),
        "shadow": {
            "allowed": value.shadows,
            **({"mirrored": value.mirrored} if realtime else {}),
            "phases": [_phase_document(phase) for phase in value.phases],
        },
        "warmUp": value.warm_up,
        "maxConcurrency": AUTO if value.max_in_flight is None else value.max_in_flight,
        "spareShare": format_ratio(value.spare_share),
        "stop": _stop_document(value.stop),
        "budget": {
            "perProbe": _money(value.budget.usd_per_probe),
            "perDay": _money(value.budget.usd_per_day),
        },
        "timeLimit": format_duration_s(value.time_limit_s),
        **_given(locustfile=_beside(value.locustfile, file)),
    }


def _payload_document(payload: PayloadSource, policy_file: str) -> dict[str, Any]:
    expect = payload.expect
    return _given(
        inline=payload.inline,
        file=_beside(payload.file, policy_file),
        s3=payload.s3,
        weight=payload.weight,
        contentType=payload.content_type,
        accept=payload.accept,
        targetModel=payload.target_model,
        expect=None
        if expect is None
        else _given(
            status=expect.status,
            contains=expect.contains,
            matches=expect.matches,
            jsonHas=list(expect.json_has) or None,
        ),
    )


def _live_document(live: LiveProbe | None) -> dict[str, Any]:
    if live is None:
        return {"every": NEVER}
    return {
        "every": format_duration_s(live.every_s),
        "requests": live.requests,
        "rate": format_rate_rps(live.rps),
    }


def _phase_document(phase: Phase) -> dict[str, Any]:
    return {
        "rate": format_rate_rps(phase.from_rps),
        "to": format_rate_rps(phase.to_rps),
        "duration": format_duration_s(phase.duration_s),
    }


def _stop_document(stop: StopRules) -> dict[str, Any]:
    return {
        "p95": NEVER if stop.p95_ms is None else format_duration_ms(stop.p95_ms),
        "errorRate": NEVER if stop.error_ratio is None else format_ratio(stop.error_ratio),
        "maxInvocations": UNLIMITED if stop.max_requests is None else stop.max_requests,
        "flatThroughput": stop.flat_throughput,
    }


def _money(usd: float | None) -> str:
    return UNLIMITED if usd is None else format_money_usd(usd)
