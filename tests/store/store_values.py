"""Model values for the tests of the store: a few by name, any by strategy."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from controller.model.change import Baseline, Change, ChangeEvent, ChangePhase, Verdict, VerdictKind
from controller.model.condition import Condition, ConditionStatus, ConditionType, Pause
from controller.model.decision import Proposal
from controller.model.demand import Interval
from controller.model.endpoint import EndpointKey, Kind
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.probe import ProbeKind, ProbeOutcome, ProbeRecord, Shadow, ShadowPhase
from controller.model.reason import Reason
from controller.model.size import LambdaSize
from controller.model.window import MemoryUse
from controller.store.sqlite import SqliteStore

OCR = EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr", "live")
THUMBS = EndpointKey("123456789012", "us-east-1", Kind.LAMBDA_FUNCTION, "thumbs")
EMBED = EndpointKey("210987654321", "eu-west-1", Kind.LAMBDA_FUNCTION, "embed", "prod")
KEYS = (OCR, THUMBS, EMBED)
PLANNED = ChangeEvent(100.0, ChangePhase.PLANNED, "planned", "change ocr 3008 -> 2048 MB")

_EMPTY_CHANGE = Change(
    id=0,
    key=OCR,
    policy="ocr",
    phase=ChangePhase.PLANNED,
    before=LambdaSize(3008),
    target=LambdaSize(2048),
    reason=Reason.CHEAPER_SIZE,
    detail="2048 MB meets the SLO for less",
    proposal=None,
    etag="r1",
    baseline=None,
    actor="controller",
    term=0,
    planned_at_s=100.0,
    updated_at_s=100.0,
)


def a_change(key: EndpointKey = OCR, **values: Any) -> Change:
    """A planned change, with some fields of one's own."""
    return replace(_EMPTY_CHANGE, key=key, **values)


def a_probe(key: EndpointKey = OCR, **values: Any) -> ProbeRecord:
    """A probe of a shadow that has ended."""
    plain = ProbeRecord(
        id="p1",
        key=key,
        kind=ProbeKind.SHADOW,
        size=LambdaSize(512),
        actor="controller",
        started_at_s=100.0,
        ended_at_s=160.0,
        outcome=ProbeOutcome.SUCCEEDED,
        detail="60 requests in 60 s",
        usd_estimated=0.01,
        usd=Missing("not counted yet"),
        requests=60,
        p95_ms=210.0,
    )
    return replace(plain, **values)


def a_shadow(**values: Any) -> Shadow:
    """A shadow that is about to be made."""
    plain = Shadow(
        id="rightsizer-probe-1",
        key=OCR,
        scope=Scope("eu-west-1", "123456789012"),
        size=LambdaSize(512),
        phase=ShadowPhase.CREATING,
        created_at_s=100.0,
        expires_at_s=3700.0,
    )
    return replace(plain, **values)


def an_event(phase: ChangePhase, at_s: float = 100.0) -> ChangeEvent:
    """A line of history."""
    return ChangeEvent(at_s, phase, f"to {phase}", "…")


def an_observation(start_s: float = 0.0, memory_mb: int = 1024, **values: Any) -> Observation:
    """Five minutes of evidence."""
    plain = Observation(
        size=LambdaSize(memory_mb),
        era="era-1",
        start_s=start_s,
        end_s=start_s + 300.0,
        requests=100,
        mean_ms=80.0,
        p50_ms=70.0,
        p95_ms=150.0,
        met_ratio=0.99,
        threshold_ms=200.0,
    )
    return replace(plain, **values)


def a_condition(status: ConditionStatus, at_s: float, **values: Any) -> Condition:
    """Whether the SLO is met."""
    plain = Condition(ConditionType.SLO_MET, status, Reason.RIGHT_SIZE, "…", "g1", at_s)
    return replace(plain, **values)


def advanced(store: SqliteStore, change: Change, phase: ChangePhase) -> Change:
    """Journal a change's next phase."""
    return store.advance_change(replace(change, phase=phase), an_event(phase))


words = st.text(st.characters(codec="utf-8"), max_size=12)
finite = st.floats(allow_nan=False, allow_infinity=False)
instants = st.integers(0, 20).map(lambda n: n * 100.0)  # few, so that boundaries are met
counts = st.integers(0, 2**53)
sizes = st.integers(128, 10_240).map(LambdaSize)
intervals = st.builds(Interval, finite, finite, st.one_of(finite, st.just(float("inf"))))
missing = st.builds(Missing, words)
maybe_numbers = st.one_of(finite, missing)
keys = st.one_of(
    st.sampled_from(KEYS),
    st.builds(
        EndpointKey,
        st.from_regex(r"[0-9]{12}", fullmatch=True),
        st.sampled_from(["eu-west-1", "us-gov-east-1"]),
        st.just(Kind.LAMBDA_FUNCTION),
        st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
        st.one_of(st.just("$LATEST"), st.from_regex(r"[A-Za-z0-9_-]{1,16}", fullmatch=True)),
    ),
)
proposals = st.builds(
    Proposal,
    before=sizes,
    target=sizes,
    reason=st.sampled_from(Reason),
    detail=words,
    p_slo=finite,
    p95_before_ms=maybe_numbers,
    p95_after_ms=intervals,
    usd_per_month_before=intervals,
    usd_per_month_after=intervals,
    saves_usd_per_month=intervals,
)
baselines = st.builds(
    Baseline, instants, instants, counts, counts, counts, st.one_of(st.none(), finite)
)
verdicts = st.builds(Verdict, st.sampled_from(VerdictKind), st.sampled_from(Reason), words)
changes = st.builds(
    Change,
    id=st.just(0),
    key=keys,
    policy=words,
    phase=st.sampled_from(ChangePhase),
    before=sizes,
    target=sizes,
    reason=st.sampled_from(Reason),
    detail=words,
    proposal=st.one_of(st.none(), proposals),
    etag=words,
    baseline=st.one_of(st.none(), baselines),
    actor=words,
    term=counts,
    planned_at_s=instants,
    updated_at_s=instants,
    progress=st.dictionaries(words, words, max_size=3),
    verdict=st.one_of(st.none(), verdicts),
    finished_at_s=st.one_of(st.none(), instants),
)
events = st.builds(ChangeEvent, instants, st.sampled_from(ChangePhase), words, words)


def _forward(row: Any) -> Any:
    """Nothing ends before it begins."""
    return replace(row, start_s=min(row.start_s, row.end_s), end_s=max(row.start_s, row.end_s))


observations = st.builds(
    Observation,
    size=st.sampled_from([LambdaSize(512), LambdaSize(1024)]),
    era=st.sampled_from(["era-1", "era-2"]),
    start_s=instants,
    end_s=instants,
    requests=counts,
    mean_ms=finite,
    p50_ms=finite,
    p95_ms=finite,
    met_ratio=maybe_numbers,
    threshold_ms=finite,
    source=words,
).map(_forward)
memory_uses = st.builds(
    MemoryUse,
    start_s=instants,
    end_s=instants,
    memory_mb=st.sampled_from([512, 1024]),
    max_used_mb=counts,
    invocations=counts,
    cold_starts=counts,
    init_p95_ms=maybe_numbers,
    init_mean_ms=maybe_numbers,
).map(_forward)
conditions = st.builds(
    Condition,
    st.sampled_from(ConditionType),
    st.sampled_from(ConditionStatus),
    st.sampled_from(Reason),
    words,
    words,
    instants,
)
pauses = st.builds(
    Pause,
    scope=st.sampled_from(["*", *map(str, KEYS)]),
    since_s=instants,
    until_s=st.one_of(st.none(), instants),
    reason=words,
    actor=words,
)
json_documents = st.dictionaries(
    words,
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), finite, words),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)
        ),
        max_leaves=6,
    ),
    max_size=4,
)
