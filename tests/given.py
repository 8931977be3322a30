"""Plausible values for tests, each with defaults that a test overrides where it matters.

`a_…` builds one value; `Truth` is a function's true latency, from which windows and
evidence follow exactly; the strategies at the end draw such worlds. The instant at which
all of it happens is `NOW_S`, a Wednesday noon in UTC.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from controller.core.assess import Observed
from controller.core.guard import Fleet
from controller.core.stats import normal_cdf
from controller.model.change import Baseline, Change, ChangePhase, Verdict, VerdictKind
from controller.model.condition import Pause
from controller.model.decision import Proposal
from controller.model.demand import Demand, Interval
from controller.model.endpoint import (
    LATEST,
    AliasConfig,
    EndpointKey,
    EndpointState,
    FunctionConfig,
    Kind,
    LambdaLive,
    Phase,
)
from controller.model.estimate import Observation
from controller.model.missing import Maybe, Missing, known
from controller.model.policy import (
    Bounds,
    FleetLimits,
    Mode,
    OnConflict,
    Policy,
    Rollout,
    Scope,
    Slo,
    Source,
    Target,
)
from controller.model.price import DurationTier, LambdaPrices
from controller.model.reason import Reason
from controller.model.size import LambdaSize
from controller.model.window import MemoryUse, Window, WindowSet

NOW_S = 1_772_020_800.0
"""2026-02-25 12:00 UTC."""
HOUR_S, DAY_S = 3600.0, 86_400.0
ERA = "era-1"
KEY = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr", "live")
PLAIN_KEY = replace(KEY, qualifier=LATEST)
UNREAD = Missing("not read in this test")

X86_PRICES = LambdaPrices(
    region="eu-west-1",
    architecture="x86_64",
    tiers=(
        DurationTier(6e9, 0.0000166667),
        DurationTier(15e9, 0.000015),
        DurationTier(None, 0.0000133334),
    ),
    usd_per_request=2e-7,
    as_of_s=NOW_S,
    source="bundled",
)
"""Lambda on x86 as published: three tiers of GB-seconds, 0.20 USD a million requests."""


# --- measurements ---


@dataclass(frozen=True)
class Truth:
    """A function's true latency: the response family, and lognormal requests around it."""

    at_vcpu_ms: float = 100.0
    """Mean duration at 1,769 MB."""
    fixed_share: float = 0.1
    power: float = 1.0
    saturation_mb: float = 1769.0
    sigma: float = 0.3
    """Log standard deviation of single requests."""

    def mean_ms(self, memory_mb: int) -> float:
        """Mean duration at a memory size."""
        speed = (1769.0 / min(memory_mb, self.saturation_mb)) ** self.power
        return self.at_vcpu_ms * (self.fixed_share + (1.0 - self.fixed_share) * speed)

    def quantile_ms(self, memory_mb: int, z: float) -> float:
        """The duration z standard deviations (in logs) above the median."""
        mu = math.log(self.mean_ms(memory_mb)) - self.sigma**2 / 2.0
        return math.exp(mu + z * self.sigma)

    def p95_ms(self, memory_mb: int) -> float:
        """The duration that one request in twenty exceeds."""
        return self.quantile_ms(memory_mb, 1.6448536269514722)

    def met_ratio(self, memory_mb: int, threshold_ms: float) -> float:
        """Share of requests no slower than a threshold."""
        mu = math.log(self.mean_ms(memory_mb)) - self.sigma**2 / 2.0
        return normal_cdf((math.log(threshold_ms) - mu) / self.sigma)

    def window(
        self,
        start_s: float,
        memory_mb: int,
        *,
        period_s: float = HOUR_S,
        requests: int = 2000,
        threshold_ms: float = 200.0,
        wobble: float = 1.0,
    ) -> Window:
        """One window exactly as the truth has it; `wobble` stretches its latencies."""
        stretched = replace(self, at_vcpu_ms=self.at_vcpu_ms * wobble)
        return a_window(
            start_s,
            period_s=period_s,
            requests=requests,
            threshold_ms=threshold_ms,
            met_ratio=stretched.met_ratio(memory_mb, threshold_ms),
            mean_ms=stretched.mean_ms(memory_mb),
            p50_ms=stretched.quantile_ms(memory_mb, 0.0),
            p95_ms=stretched.p95_ms(memory_mb),
        )


def a_window(start_s: float = NOW_S - 300.0, *, period_s: float = 300.0, **values: Any) -> Window:
    """Five quiet minutes within an SLO of 200 ms."""
    plain = Window(
        start_s=start_s,
        end_s=start_s + period_s,
        requests=100,
        threshold_ms=200.0,
        met_ratio=0.99,
        mean_ms=80.0,
        p50_ms=70.0,
        p95_ms=150.0,
        errors=0,
        throttles=0,
        concurrency_peak=2.0,
    )
    return replace(plain, **values)


def windows_of(
    truth: Truth,
    memory_mb: int,
    *,
    count: int,
    end_s: float = NOW_S,
    period_s: float = HOUR_S,
    requests: int | Sequence[int] = 2000,
    threshold_ms: float = 200.0,
) -> tuple[Window, ...]:
    """A run of windows that ends at `end_s`, oldest first."""
    counts = [requests] * count if isinstance(requests, int) else list(requests)
    return tuple(
        truth.window(
            end_s - (count - i) * period_s,
            memory_mb,
            period_s=period_s,
            requests=counts[i],
            threshold_ms=threshold_ms,
        )
        for i in range(count)
    )


def a_row(start_s: float = NOW_S - HOUR_S, memory_mb: int = 1024, **values: Any) -> Observation:
    """An hour of evidence."""
    plain = Observation(
        size=LambdaSize(memory_mb),
        era=ERA,
        start_s=start_s,
        end_s=start_s + HOUR_S,
        requests=2000,
        mean_ms=80.0,
        p50_ms=70.0,
        p95_ms=150.0,
        met_ratio=0.99,
        threshold_ms=200.0,
    )
    return replace(plain, **values)


def rows_of(windows: Iterable[Window], memory_mb: int, era: str = ERA) -> tuple[Observation, ...]:
    """Windows as evidence of one size, as far as they can be: complete, with enough requests."""
    rows = []
    for w in windows:
        requests, mean, p50, p95 = (known(v) for v in (w.requests, w.mean_ms, w.p50_ms, w.p95_ms))
        if requests is None or mean is None or p50 is None or p95 is None or requests < 20:
            continue
        rows.append(
            Observation(
                size=LambdaSize(memory_mb),
                era=era,
                start_s=w.start_s,
                end_s=w.end_s,
                requests=int(requests),
                mean_ms=mean,
                p50_ms=p50,
                p95_ms=p95,
                met_ratio=w.met_ratio,
                threshold_ms=w.threshold_ms,
            )
        )
    return tuple(rows)


def a_memory_use(max_used_mb: int = 110, memory_mb: int = 1024, **values: Any) -> MemoryUse:
    """What a day of REPORT lines said."""
    plain = MemoryUse(
        start_s=NOW_S - DAY_S,
        end_s=NOW_S,
        memory_mb=memory_mb,
        max_used_mb=max_used_mb,
        invocations=10_000,
        cold_starts=20,
        init_p95_ms=400.0,
        init_mean_ms=300.0,
    )
    return replace(plain, **values)


def known_demand(demand: Maybe[Demand]) -> Demand:
    """A demand that must be there."""
    assert not isinstance(demand, Missing), demand.reason
    return demand


def a_demand(**values: Any) -> Demand:
    """Two requests a second, 110 MB in use."""
    plain = Demand(
        requests_per_month=Interval(5.0e6, 5.3e6, 5.6e6),
        requests_per_hour_peak=9000.0,
        requests_per_hour_trough=5000.0,
        concurrency_peak=2.0,
        memory_used_mb=110,
        error_ratio=0.0,
        throttle_ratio=0.0,
        cold_start_ratio=0.002,
        init_mean_ms=300.0,
        hours_observed=336,
    )
    return replace(plain, **values)


# --- policies ---


def a_policy(threshold_ms: float = 200.0, **values: Any) -> Policy:
    """An enforcing policy with an SLO of 200 ms and every default."""
    plain = Policy(
        name="ocr",
        target=Target(Kind.LAMBDA_FUNCTION, Scope("eu-west-1"), name="ocr", qualifier="live"),
        slo=Slo(threshold_ms),
        source=Source("policies.yaml", 1, 1),
        generation="g1",
        mode=Mode.ENFORCE,
    )
    return replace(plain, **values)


# --- live state ---


def a_config(memory_mb: int = 1024, version: str = LATEST, **values: Any) -> FunctionConfig:
    """One version's configuration, updated long ago."""
    plain = FunctionConfig(
        version=version,
        memory_mb=memory_mb,
        revision_id=f"revision-of-{version}",
        code_sha256="c0de",
        architecture="x86_64",
        timeout_s=30,
        package_type="Zip",
        runtime="python3.12",
        role="arn:aws:iam::123456789012:role/ocr",
        update_status="Successful",
        update_reason="",
        state="Active",
        last_modified_s=NOW_S - 30 * DAY_S,
        log_group="/aws/lambda/ocr",
        fingerprint=ERA,
    )
    return replace(plain, **values)


def a_live(
    memory_mb: int = 1024,
    *,
    alias: str | None = "live",
    version: str = "1",
    weights: Mapping[str, float] | None = None,
    latest: FunctionConfig | None = None,
    **values: Any,
) -> LambdaLive:
    """A function; with an alias, version 1 serves and `$LATEST` has the same memory."""
    newest = a_config(memory_mb) if latest is None else latest
    if alias is None:
        return LambdaLive(newest, None, {}, **values)
    shares = dict(weights or {})
    versions = {v: a_config(memory_mb, v) for v in (version, *shares)}
    return LambdaLive(newest, AliasConfig(alias, version, "r-alias", shares), versions, **values)


def a_state(
    memory_mb: int = 1024, *, live: LambdaLive | None = None, **values: Any
) -> EndpointState:
    """A stable endpoint; behind alias `live` unless `live=a_live(..., alias=None)`."""
    shown = a_live(memory_mb) if live is None else live
    plain = EndpointState(
        key=PLAIN_KEY if shown.alias is None else KEY,
        size=LambdaSize(shown.serving.memory_mb),
        phase=Phase.STABLE,
        etag="e1",
        tags={},
        observed_at_s=NOW_S,
        live=shown,
    )
    return replace(plain, **values)


# --- journal ---


def a_verdict(
    kind: VerdictKind = VerdictKind.PASS, reason: Reason = Reason.VERIFIED, detail: str = "…"
) -> Verdict:
    """A verdict."""
    return Verdict(kind, reason, detail)


def a_proposal(before_mb: int = 1024, target_mb: int = 512, **values: Any) -> Proposal:
    """A proposal that saves five dollars."""
    plain = Proposal(
        before=LambdaSize(before_mb),
        target=LambdaSize(target_mb),
        reason=Reason.CHEAPER_SIZE,
        detail=f"{before_mb} MB -> {target_mb} MB",
        p_slo=0.97,
        p95_before_ms=100.0,
        p95_after_ms=Interval(150.0, 160.0, 170.0),
        usd_per_month_before=Interval(9.0, 10.0, 11.0),
        usd_per_month_after=Interval(4.0, 5.0, 6.0),
        saves_usd_per_month=Interval(4.0, 5.0, 6.0),
    )
    return replace(plain, **values)


def a_change(
    before_mb: int = 1024,
    target_mb: int = 512,
    phase: ChangePhase = ChangePhase.VERIFIED,
    *,
    finished_at_s: float | None = NOW_S - DAY_S,
    **values: Any,
) -> Change:
    """A change planned an hour before it finished, or just now where its phase is open."""
    ended = None if phase.open else finished_at_s
    began_s = NOW_S if ended is None else ended - HOUR_S
    plain = Change(
        id=1,
        key=KEY,
        policy="ocr",
        phase=phase,
        before=LambdaSize(before_mb),
        target=LambdaSize(target_mb),
        reason=Reason.CHEAPER_SIZE,
        detail="cheaper",
        proposal=None,
        etag="e0",
        baseline=Baseline(began_s - HOUR_S, began_s, 1000, 5, 0, 100.0),
        actor="controller",
        term=1,
        planned_at_s=began_s,
        updated_at_s=began_s,
        progress={"fingerprint": ERA},
        finished_at_s=ended,
    )
    return replace(plain, **values)


def a_pause(scope: str = "*", **values: Any) -> Pause:
    """A pause of the fleet without an end."""
    return replace(Pause(scope, NOW_S - 60.0, None, "release", "ann"), **values)


def a_fleet(**values: Any) -> Fleet:
    """A fleet with no limit reached."""
    return replace(Fleet(FleetLimits(), 0, 0, 0, 100.0), **values)


# --- everything that a tick has seen ---


def an_observed(
    truth: Truth | None = None,
    memory_mb: int = 1024,
    *,
    policy: Policy | None = None,
    hours: int = 72,
    requests: int | Sequence[int] = 2000,
    used_mb: int | None = 110,
    **values: Any,
) -> Observed:
    """Steady traffic at one size for some days, as exact windows of a truth; an alias serves.

    `requests` are per hour; `used_mb` None means that REPORT lines were never read.
    """
    truth = truth or Truth()
    policy = policy or a_policy()
    threshold_ms = policy.slo.threshold_ms
    hourly = windows_of(truth, memory_mb, count=hours, requests=requests, threshold_ms=threshold_ms)
    an_hour = requests if isinstance(requests, int) else requests[-1]
    recent = windows_of(
        truth,
        memory_mb,
        count=12,
        period_s=300.0,
        requests=max(1, round(an_hour / 12)),
        threshold_ms=threshold_ms,
    )
    use = () if used_mb is None else (a_memory_use(used_mb, memory_mb),)
    plain = Observed(
        now_s=NOW_S,
        policy=policy,
        state=a_state(memory_mb),
        era=ERA,
        size_since_s=NOW_S - hours * HOUR_S,
        windows=WindowSet(NOW_S, recent, hourly, {}, UNREAD),
        rows=rows_of(hourly, memory_mb),
        recent_rows=(),
        memory_use=use,
        memory_refusal=None,
        changes=(),
        open_change=None,
        pauses=(),
        fleet=a_fleet(),
    )
    return replace(plain, **values)


# --- strategies ---

truths = st.builds(
    Truth,
    at_vcpu_ms=st.floats(5.0, 2000.0),
    fixed_share=st.sampled_from([0.0, 0.05, 0.2, 0.5, 0.85, 1.0]) | st.floats(0.0, 1.0),
    power=st.floats(0.7, 1.4),
    saturation_mb=st.sampled_from([512.0, 1024.0, 1769.0, 2560.0, 10_240.0]),
    sigma=st.floats(0.08, 0.8),
)
memory_sizes = st.sampled_from([128, 256, 512, 768, 1024, 1536, 1769, 2048, 3008, 5120, 10_240])
maybe_floats = st.one_of(st.floats(0.0, 1e6), st.builds(Missing, st.just("absent")))
maybe_counts = st.one_of(st.integers(0, 10**7), st.builds(Missing, st.just("absent")))


def windows_at(starts_s: st.SearchStrategy[float], period_s: float) -> st.SearchStrategy[Window]:
    """Windows with any mixture of metrics there and missing."""
    return st.builds(
        lambda start_s, **values: a_window(start_s, period_s=period_s, **values),
        starts_s,
        requests=maybe_counts,
        met_ratio=st.one_of(st.floats(0.0, 1.0), st.just(UNREAD)),
        mean_ms=maybe_floats,
        p50_ms=maybe_floats,
        p95_ms=maybe_floats,
        errors=maybe_counts,
        throttles=maybe_counts,
        concurrency_peak=maybe_floats,
    )


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    """None, a range, or a list of sizes; any range holds at least one rung."""
    shape = draw(st.sampled_from(["none", "none", "range", "list"]))
    if shape == "none":
        return Bounds()
    if shape == "list":
        sizes = draw(st.sets(memory_sizes, min_size=1, max_size=5))
        return Bounds(memory_mb=tuple(sorted(sizes)))
    low, high = sorted((draw(memory_sizes), draw(memory_sizes)))
    return Bounds(draw(st.sampled_from([None, low])), draw(st.sampled_from([None, max(high, low)])))


@st.composite
def policies(draw: st.DrawFn, threshold_ms: float = 200.0) -> Policy:
    """Policies of every temper; half of them without a budget."""
    return a_policy(
        slo=Slo(
            threshold_ms,
            percentile=draw(st.sampled_from([0.9, 0.95, 0.95, 0.99])),
            max_error_ratio=draw(st.sampled_from([None, None, 0.01])),
        ),
        budget_usd_per_month=draw(st.one_of(st.none(), st.floats(0.0, 500.0))),
        bounds=draw(bounds()),
        rollout=Rollout(canary_share=draw(st.sampled_from([0.0, 0.1, 0.5]))),
        confidence=draw(st.sampled_from([0.8, 0.95, 0.99])),
        on_conflict=draw(st.sampled_from(OnConflict)),
    )


@st.composite
def observed_worlds(draw: st.DrawFn, with_budget: bool = True) -> Observed:
    """An endpoint of any nature under any policy, with hours that differ a little."""
    truth = draw(truths)
    memory_mb = draw(memory_sizes)
    slack = draw(st.floats(0.4, 4.0))
    policy = draw(policies(threshold_ms=round(truth.p95_ms(memory_mb) * slack, 3)))
    if not with_budget:
        policy = replace(policy, budget_usd_per_month=None)
    hours = draw(st.integers(1, 60))
    per_hour = draw(st.integers(25, 20_000))
    wobbles = draw(st.lists(st.floats(0.92, 1.08), min_size=1, max_size=6))
    seen = an_observed(
        truth,
        memory_mb,
        policy=policy,
        hours=hours,
        requests=per_hour,
        used_mb=draw(st.one_of(st.none(), st.integers(30, min(memory_mb, 3000)))),
    )
    hourly = tuple(
        truth.window(
            w.start_s,
            memory_mb,
            requests=per_hour,
            threshold_ms=policy.slo.threshold_ms,
            wobble=wobbles[i % len(wobbles)],
        )
        for i, w in enumerate(seen.windows.hourly)
    )
    return replace(
        seen, windows=replace(seen.windows, hourly=hourly), rows=rows_of(hourly, memory_mb)
    )
