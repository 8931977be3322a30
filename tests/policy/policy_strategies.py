"""Any valid policy, as hypothesis draws it."""

from dataclasses import replace

from hypothesis import strategies as st

from controller.model.endpoint import LATEST, Kind
from controller.model.instance_types import FAMILIES, KNOWN_TYPES, is_burstable
from controller.model.policy import (
    Autoscaling,
    Bounds,
    Cadence,
    ChangeWindow,
    Covers,
    Mode,
    OnConflict,
    Policy,
    Rollout,
    Scope,
    Selector,
    Slo,
    Source,
    Target,
)
from controller.model.probing import (
    Expect,
    LiveProbe,
    PayloadSource,
    Phase,
    ProbeBudget,
    Probing,
    StopRules,
)
from controller.policy.canonical import with_generation

MINUTE_S, DAY_S = 60, 86_400
SOURCE = Source("<stdin>", 1, 1)

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
function_names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
endpoint_names = st.from_regex(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,30}", fullmatch=True)
some_types = st.sets(
    st.sampled_from(sorted(name for name in KNOWN_TYPES if not is_burstable(name))),
    min_size=1,
    max_size=2,
)
some_families = st.sets(st.sampled_from(sorted(FAMILIES)), min_size=1, max_size=2)
some_kinds = st.sampled_from(
    [(kind,) for kind in Kind] * 2 + [tuple(Kind), (Kind.LAMBDA_FUNCTION, Kind.REALTIME_ENDPOINT)]
)
accounts = st.from_regex(r"[0-9]{12}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=12)
keys = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
memories = st.integers(128, 10_240)


def seconds(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(low * 1000, high * 1000).map(lambda ms: ms / 1000)


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    account = draw(st.none() | accounts)
    role = None if account is None else draw(st.sampled_from([None, f"role/{account}"]))
    arn = None if role is None else f"arn:aws:iam::{account}:{role}"
    external = None if arn is None else draw(st.none() | st.just("x-7f3a"))
    return Scope(draw(st.sampled_from(["eu-west-1", "us-east-1"])), account, arn, external)


QUALIFIERS = {
    Kind.LAMBDA_FUNCTION: [LATEST, "live", "prod_2"],
    Kind.SERVERLESS_ENDPOINT: ["AllTraffic", "blue-2"],
    Kind.REALTIME_ENDPOINT: ["AllTraffic", "v1"],
}
NAMES = {
    Kind.LAMBDA_FUNCTION: function_names,
    Kind.SERVERLESS_ENDPOINT: endpoint_names,
    Kind.REALTIME_ENDPOINT: endpoint_names,
}


@st.composite
def targets(draw: st.DrawFn) -> Target:
    kinds = draw(some_kinds)
    scope, first = draw(scopes()), kinds[0]
    several = len(kinds) > 1
    qualifier = None if several else draw(st.sampled_from(QUALIFIERS[first]))
    if not several and draw(st.booleans()):
        return Target(first, scope, name=draw(NAMES[first]), qualifier=qualifier)
    tags = draw(st.dictionaries(keys, texts, max_size=2))
    pattern = draw(st.from_regex(r"[a-z*?-]{1,12}", fullmatch=True))
    kept = pattern if not tags or draw(st.booleans()) else None
    selector = Selector(kept, tags)
    return Target(first, scope, selector=selector, qualifier=qualifier, more_kinds=kinds[1:])


@st.composite
def bounds(draw: st.DrawFn, kinds: tuple[Kind, ...]) -> Bounds:
    found = Bounds()
    if set(kinds) - {Kind.REALTIME_ENDPOINT}:
        found = draw(memory_bounds(steps=Kind.SERVERLESS_ENDPOINT in kinds))
    if Kind.SERVERLESS_ENDPOINT in kinds:
        low, high = sorted([draw(st.integers(1, 200)), draw(st.integers(1, 200))])
        warm = draw(st.none() | st.integers(0, high))
        found = replace(
            found,
            min_concurrency=draw(st.sampled_from([None, low])),
            max_concurrency=draw(st.sampled_from([None, high])),
            max_provisioned_concurrency=warm,
        )
    if Kind.REALTIME_ENDPOINT in kinds:
        found = draw(instance_bounds(found))
    return found


@st.composite
def memory_bounds(draw: st.DrawFn, steps: bool) -> Bounds:
    some = st.sampled_from(range(1024, 6145, 1024)) if steps else memories
    low, high = sorted([draw(some), draw(some)])
    listed = draw(st.none() | st.sets(some, min_size=1, max_size=4))
    if listed is not None:
        return Bounds(None, None, tuple(sorted(listed)))
    return Bounds(draw(st.sampled_from([None, low])), draw(st.sampled_from([None, high])))


@st.composite
def instance_bounds(draw: st.DrawFn, others: Bounds) -> Bounds:
    types = draw(st.none() | some_types)
    families = draw(st.none() | some_families) if types is None else None
    low, high = sorted([draw(st.integers(1, 50)), draw(st.integers(1, 50))])
    return replace(
        others,
        instance_types=None if types is None else tuple(sorted(types)),
        instance_families=None if families is None else tuple(sorted(families)),
        min_instances=draw(st.sampled_from([None, low])),
        max_instances=draw(st.sampled_from([None, high])),
    )


autoscalings = st.builds(
    Autoscaling,
    utilization=st.integers(100, 950).map(lambda n: n / 1000),
    schedule=st.booleans(),
    windows=st.one_of(st.none(), st.integers(9000, 9999).map(lambda n: n / 10_000)),
)
windows = st.builds(
    ChangeWindow,
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    start_minute=st.integers(0, 1439),
    end_minute=st.integers(0, 1439),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"]),
)


rates = st.one_of(
    st.integers(1, 10_000).map(lambda n: n / 10),
    st.integers(1, 500).map(lambda n: n / 60),
    st.integers(1, 500).map(lambda n: n / 3600),
)
sentences = st.text(st.characters(exclude_categories=["C"]), max_size=20)
expectations = st.builds(
    Expect,
    status=st.none() | st.integers(100, 599),
    contains=st.none() | sentences,
    matches=st.none() | st.just(r'"ok": (true|1)'),
    json_has=st.lists(st.sampled_from(["label", "score.value"]), max_size=2).map(tuple),
)
places = st.one_of(
    st.builds(lambda text: {"inline": text}, sentences),
    st.just({"file": "payloads/page.json"}),
    st.just({"s3": "s3://my-bucket/some/page.json"}),
)


@st.composite
def payloads(draw: st.DrawFn, kinds: tuple[Kind, ...]) -> PayloadSource:
    endpoints, realtime = set(kinds) != {Kind.LAMBDA_FUNCTION}, Kind.REALTIME_ENDPOINT in kinds
    return PayloadSource(
        **draw(places),
        weight=draw(st.integers(1, 10**6)) / 1000,
        content_type=draw(st.sampled_from(["application/json", "text/csv; header=absent"])),
        accept=draw(st.none() | st.just("text/csv")) if endpoints else None,
        target_model=draw(st.none() | st.just("model-a.tar.gz")) if realtime else None,
        expect=draw(st.none() | expectations),
    )


@st.composite
def probings(draw: st.DrawFn, kinds: tuple[Kind, ...]) -> Probing:
    per_probe, per_day = sorted(draw(st.lists(st.integers(0, 10**5), min_size=2, max_size=2)))
    some_phases = st.lists(st.builds(Phase, rates, rates, seconds(1, 100)), max_size=3)
    live = st.builds(LiveProbe, seconds(DAY_S, 14 * DAY_S), st.integers(1, 20), rates)
    return Probing(
        payloads=tuple(draw(st.lists(payloads(kinds), min_size=1, max_size=3))),
        live=draw(st.none() | live),
        shadows=draw(st.booleans()),
        mirrored=Kind.REALTIME_ENDPOINT in kinds and draw(st.booleans()),
        phases=tuple(draw(some_phases)),
        warm_up=draw(st.integers(0, 100)),
        max_in_flight=draw(st.none() | st.integers(1, 10_000)),
        spare_share=draw(st.integers(1, 500)) / 1000,
        stop=StopRules(
            draw(st.none() | st.integers(1, 10**5).map(float)),
            draw(st.none() | st.integers(0, 100).map(lambda n: n / 100)),
            draw(st.none() | st.integers(0, 10**6)),
            draw(st.booleans()),
        ),
        budget=ProbeBudget(
            draw(st.none() | st.just(per_probe / 100)), draw(st.none() | st.just(per_day / 100))
        ),
        time_limit_s=draw(seconds(301, 3600)),
        locustfile=draw(st.none() | st.just("probes/mine.py")),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A valid policy as the loader would resolve it from a document on line 1."""
    cooldown_up = draw(seconds(0, 7 * DAY_S))
    bake = draw(seconds(0, 7 * DAY_S))
    window = draw(seconds(300, 14 * DAY_S))
    target = draw(targets())
    longest_ms = 900_000 if Kind.LAMBDA_FUNCTION in target.kinds else 60_000
    endpoints = set(target.kinds) != {Kind.LAMBDA_FUNCTION}
    realtime = Kind.REALTIME_ENDPOINT in target.kinds
    return with_generation(
        Policy(
            name=draw(names),
            target=target,
            slo=Slo(
                float(draw(st.integers(1, longest_ms))),
                draw(st.integers(500, 999)) / 1000,
                draw(st.none() | st.integers(0, 5_000).map(lambda n: n / 10_000)),
                window,
                draw(st.sampled_from(Covers)) if endpoints else Covers.MODEL,
            ),
            source=SOURCE,
            generation="",
            mode=draw(st.sampled_from(Mode)),
            budget_usd_per_month=draw(st.none() | st.integers(1, 10**9).map(lambda n: n / 100)),
            bounds=draw(bounds(target.kinds)),
            autoscaling=draw(autoscalings) if realtime else Autoscaling(),
            probe=draw(st.none() | probings(target.kinds)),
            cadence=Cadence(
                draw(seconds(60, int(min(window, DAY_S)))),
                cooldown_up,
                draw(seconds(int(cooldown_up) + 1, 8 * DAY_S)),
                draw(seconds(0, 14 * DAY_S)),
                draw(st.integers(0, 9_000)) / 10_000,
            ),
            change_windows=tuple(draw(st.lists(windows, max_size=3))),
            rollout=Rollout(
                draw(st.integers(1, 5_000)) / 10_000,
                bake,
                draw(seconds(int(bake) + 1, 8 * DAY_S)),
                draw(st.integers(1, 10**6)),
            ),
            confidence=draw(st.integers(5_001, 9_999)) / 10_000,
            on_conflict=draw(st.sampled_from(OnConflict)),
            labels=draw(st.dictionaries(keys, texts, max_size=2)),
        )
    )
