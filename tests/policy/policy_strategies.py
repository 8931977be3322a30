"""Any valid policy, as hypothesis draws it."""

from hypothesis import strategies as st

from controller.model.endpoint import LATEST, Kind
from controller.model.policy import (
    Bounds,
    Cadence,
    ChangeWindow,
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
from controller.policy.canonical import with_generation

MINUTE_S, DAY_S = 60, 86_400
SOURCE = Source("<stdin>", 1, 1)

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
function_names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
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


@st.composite
def targets(draw: st.DrawFn) -> Target:
    qualifier = draw(st.sampled_from([LATEST, "live", "prod_2"]))
    scope = draw(scopes())
    if draw(st.booleans()):
        return Target(Kind.LAMBDA_FUNCTION, scope, name=draw(function_names), qualifier=qualifier)
    tags = draw(st.dictionaries(keys, texts, max_size=2))
    pattern = draw(st.from_regex(r"[a-z*?-]{1,12}", fullmatch=True))
    kept = pattern if not tags or draw(st.booleans()) else None
    return Target(Kind.LAMBDA_FUNCTION, scope, selector=Selector(kept, tags), qualifier=qualifier)


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    low, high = sorted([draw(memories), draw(memories)])
    listed = draw(st.none() | st.sets(memories, min_size=1, max_size=4))
    if listed is not None:
        return Bounds(None, None, tuple(sorted(listed)))
    return Bounds(draw(st.sampled_from([None, low])), draw(st.sampled_from([None, high])))


windows = st.builds(
    ChangeWindow,
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    start_minute=st.integers(0, 1439),
    end_minute=st.integers(0, 1439),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"]),
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A valid policy as the loader would resolve it from a document on line 1."""
    cooldown_up = draw(seconds(0, 7 * DAY_S))
    bake = draw(seconds(0, 7 * DAY_S))
    window = draw(seconds(300, 14 * DAY_S))
    return with_generation(
        Policy(
            name=draw(names),
            target=draw(targets()),
            slo=Slo(
                float(draw(st.integers(1, 900_000))),
                draw(st.integers(500, 999)) / 1000,
                draw(st.none() | st.integers(0, 5_000).map(lambda n: n / 10_000)),
                window,
            ),
            source=SOURCE,
            generation="",
            mode=draw(st.sampled_from(Mode)),
            budget_usd_per_month=draw(st.none() | st.integers(1, 10**9).map(lambda n: n / 100)),
            bounds=draw(bounds()),
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
