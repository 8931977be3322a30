"""One assessed endpoint, and how to read an exposition."""

from dataclasses import replace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from controller.model.change import Change, ChangePhase
from controller.model.condition import Condition, ConditionStatus, ConditionType
from controller.model.decision import Assessment, Hold, Proposal, Propose
from controller.model.demand import Attainment, Interval, SloStatus
from controller.model.endpoint import (
    EndpointKey,
    EndpointState,
    FunctionConfig,
    Kind,
    LambdaLive,
    Phase,
)
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import FleetLimits, Mode, Policy, PolicySet, Scope, Slo, Source, Target
from controller.model.price import LambdaPrices
from controller.model.reason import Reason
from controller.model.sagemaker import (
    Autoscaling,
    Endpoint,
    EndpointConfig,
    RealtimeLive,
    ServerlessLive,
)
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize
from controller.telemetry.metrics import Telemetry

KEY = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr", "live")
OWNER = {
    "policy": "ocr",
    "kind": "lambda_function",
    "account": "123456789012",
    "region": "eu-west-1",
    "name": "ocr",
    "qualifier": "live",
}
POLICY = Policy(
    name="ocr",
    target=Target(Kind.LAMBDA_FUNCTION, Scope("eu-west-1"), name="ocr", qualifier="live"),
    slo=Slo(threshold_ms=400.0),
    source=Source("ocr.yaml", 1, 1),
    generation="g1",
    mode=Mode.ENFORCE,
    budget_usd_per_month=120.0,
)
POLICIES = PolicySet((POLICY, replace(POLICY, name="two", mode=Mode.OFF)), FleetLimits(), "d1")
PRICES = LambdaPrices("eu-west-1", "arm64", (), 2e-7, as_of_s=600.0, source="bundled")
SLO = SloStatus(Attainment.MET, 1000, 20, 0.98, 0.999, 212.0, 0.001, 900.0)


class Hands:
    """A clock that is turned by hand."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


def point(value: float) -> Interval:
    """An interval without width."""
    return Interval(value, value, value)


def candidate(memory_mb: int, usd_per_month: Maybe[Interval]) -> Candidate:
    """A size with its cost."""
    size = LambdaSize(memory_mb)
    estimate = Estimate(size, point(200.0), 0.99, usd_per_month, "measured here", 1000)
    return Candidate(estimate, Rejection.CURRENT, "")


def proposal(target_mb: int = 2048, saves_usd: float = 43.8) -> Proposal:
    """3008 MB to another size."""
    return Proposal(
        before=LambdaSize(3008),
        target=LambdaSize(target_mb),
        reason=Reason.CHEAPER_SIZE,
        detail="…",
        p_slo=0.99,
        p95_before_ms=212.0,
        p95_after_ms=point(231.0),
        usd_per_month_before=point(146.0),
        usd_per_month_after=point(146.0 - saves_usd),
        saves_usd_per_month=point(saves_usd),
    )


def state(memory_mb: int = 3008) -> EndpointState:
    """Live and stable."""
    function = FunctionConfig(
        "$LATEST", memory_mb, "r", "sha", "arm64", 30, "Zip", None, "role", "Successful", "",
        "Active", 5.0, "/aws/lambda/ocr", "print",
    )  # fmt: skip
    live = LambdaLive(function, None, {})
    return EndpointState(KEY, LambdaSize(memory_mb), Phase.STABLE, "r", {}, 990.0, live)


def assessment(**values: Any) -> Assessment:
    """A wanted and allowed decrease, with some fields of one's own."""
    change = Propose(proposal())
    plain = Assessment(
        key=KEY,
        policy="ocr",
        at_s=1000.0,
        state=state(),
        demand=Missing("not needed here"),
        slo=SLO,
        candidates=(candidate(3008, point(146.0)), candidate(2048, point(102.2))),
        wanted=change,
        guards=(),
        decision=change,
        sentence="…",
    )
    return replace(plain, **values)


def hold(reason: Reason) -> Hold:
    """A hold."""
    return Hold(reason, "…")


def condition(
    type_: ConditionType = ConditionType.PAUSED, status: ConditionStatus = ConditionStatus.FALSE
) -> Condition:
    """A condition."""
    return Condition(type_, status, Reason.RIGHT_SIZE, "…", "g1", 1.0)


def change(phase: ChangePhase = ChangePhase.PLANNED, **values: Any) -> Change:
    """A decrease in flight."""
    plain = Change(
        id=1,
        key=KEY,
        policy="ocr",
        phase=phase,
        before=LambdaSize(3008),
        target=LambdaSize(2048),
        reason=Reason.CHEAPER_SIZE,
        detail="…",
        proposal=proposal(),
        etag="r",
        baseline=None,
        actor="controller",
        term=0,
        planned_at_s=990.0,
        updated_at_s=995.0,
    )
    return replace(plain, **values)


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(telemetry: Telemetry) -> Samples:
    """Everything exposed in the text format: (name, labels) to value."""
    text = telemetry.render()[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(telemetry: Telemetry, short: str, **labels: str) -> float | None:
    """One sample's value, by its name without the prefix; None where it is absent."""
    return samples(telemetry).get((f"rightsizer_{short}", frozenset(labels.items())))


def endpoint_value(telemetry: Telemetry, short: str, **labels: str) -> float | None:
    """One sample of the endpoint."""
    return value(telemetry, short, **OWNER, **labels)


CONFIG = EndpointConfig("c1", "arn", "f", 0.0, ours=False)
ENDPOINT = Endpoint("arn", "InService", None, CONFIG, "AllTraffic", 0.0)
REALTIME = RealtimeLive(ENDPOINT, "ml.c5.xlarge", 3, 3, Autoscaling())
SERVERLESS = ServerlessLive(ENDPOINT, 2048, 20, None)


def of_endpoint(size: ServerlessSize | RealtimeSize, **values: Any) -> Assessment:
    """A SageMaker endpoint of the right size."""
    serverless = isinstance(size, ServerlessSize)
    kind = Kind.SERVERLESS_ENDPOINT if serverless else Kind.REALTIME_ENDPOINT
    key = EndpointKey("123456789012", "eu-west-1", kind, "ocr", "AllTraffic")
    live = SERVERLESS if serverless else REALTIME
    seen = replace(state(), key=key, size=size, live=live)
    right = hold(Reason.RIGHT_SIZE)
    return assessment(key=key, state=seen, wanted=right, decision=right, **values)
