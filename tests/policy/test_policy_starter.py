"""The starter policy of `rightsizer init`: it loads, and says what it was told."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_strategies import accounts, function_names

from controller.model.endpoint import EndpointKey, Kind
from controller.model.policy import Autoscaling, Bounds, Cadence, Mode, Policy, Rollout
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize
from controller.policy import load_with_warnings, render_starter


def key(
    name: str = "ocr", account: str = "012345678901", qualifier: str = "$LATEST"
) -> EndpointKey:
    return EndpointKey(account, "eu-west-1", Kind.LAMBDA_FUNCTION, name, qualifier)


def read(text: str) -> Policy:
    policies, warnings = load_with_warnings(["-"], io.StringIO(text))
    assert warnings == ()
    (policy,) = policies.policies
    return policy


def test_it_changes_nothing_and_repeats_the_defaults() -> None:
    policy = read(render_starter(key(), LambdaSize(1024), threshold_ms=250.0))
    assert policy.mode is Mode.RECOMMEND
    assert (policy.cadence, policy.rollout) == (Cadence(), Rollout())
    assert policy.target.scope.account == "012345678901"
    assert policy.target.qualifier == "$LATEST"
    assert policy.slo.threshold_ms == 250.0


def test_an_alias_is_what_the_traffic_uses() -> None:
    assert (
        read(render_starter(key(), LambdaSize(128), threshold_ms=1, alias="live")).target.qualifier
        == "live"
    )
    keyed = key(qualifier="prod")
    assert read(render_starter(keyed, LambdaSize(128), threshold_ms=1)).target.qualifier == "prod"


@pytest.mark.parametrize(("given_ms", "taken_ms"), [(233.2, 234.0), (0.01, 1.0), (1500.0, 1500.0)])
def test_thresholds_are_rounded_up_to_a_millisecond(given_ms: float, taken_ms: float) -> None:
    assert (
        read(render_starter(key(), LambdaSize(128), threshold_ms=given_ms)).slo.threshold_ms
        == taken_ms
    )


def test_what_was_observed_is_shown_as_comments() -> None:
    text = render_starter(
        key(),
        LambdaSize(3008),
        threshold_ms=250,
        account_note="of your credentials",
        observed={"p95 over 14 days": "212 ms", "requests a month": "1.2 million"},
    )
    assert "# lambda eu-west-1/ocr has 3008Mi today." in text
    assert "#   p95 over 14 days: 212 ms" in text
    assert 'account: "012345678901"  # of your credentials' in text


@given(
    function_names,
    accounts,
    st.integers(128, 10_240),
    st.floats(0.001, 900_000),
    st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=3),
    st.text(max_size=20),
)
def test_it_always_loads(
    name: str,
    account: str,
    memory_mb: int,
    threshold_ms: float,
    observed: dict[str, str],
    note: str,
) -> None:
    text = render_starter(
        key(name, account),
        LambdaSize(memory_mb),
        threshold_ms=threshold_ms,
        observed=observed,
        account_note=note,
    )
    policy = read(text)
    assert (policy.target.name, policy.target.scope.account) == (name, account)


def test_what_it_offers_in_comments_is_valid_as_well() -> None:
    text = render_starter(key(qualifier="live"), LambdaSize(1024), threshold_ms=250)
    optional = [
        line.replace("# ", "", 1)
        if line.startswith(("  # ", "    # "))
        and line.rstrip().endswith(
            (
                ":",
                "Mi",
                "Gi",
                'USD"',
                "%",
                '"',
                "slo",
                "Fri]",
                "Berlin",
                ".json",
                "[label]",
                "15m",
                "true",
            )
        )
        else line
        for line in text.splitlines()
    ]
    policy = read("\n".join(optional) + "\n")
    assert policy.bounds.max_memory_mb == 2048
    assert policy.budget_usd_per_month == 120.0
    assert policy.slo.max_error_ratio == 0.01
    assert len(policy.change_windows) == 1
    assert policy.probe is not None
    assert policy.probe.live is not None
    assert policy.probe.shadows


def uncommented(text: str, *ends: str) -> str:
    return "\n".join(
        line.replace("# ", "", 1) if line.startswith("  # ") and line.endswith(ends) else line
        for line in text.splitlines()
    )


def test_a_serverless_endpoint_today_and_its_bounds() -> None:
    place = EndpointKey("012345678901", "eu-west-1", Kind.SERVERLESS_ENDPOINT, "ocr", "AllTraffic")
    text = render_starter(place, ServerlessSize(2048, 20, 3), threshold_ms=250.0)
    assert (
        "serverless eu-west-1/ocr has 2Gi and at most 20 requests at a time (3 kept warm) today"
        in text
    )
    assert read(text).target.qualifier == "AllTraffic"
    written = read(uncommented(text, "bounds:", "Gi", "1", "40", "kept warm"))
    assert written.bounds == Bounds(1024, 6144, None, 1, 40, 0)


def test_a_realtime_endpoint_today_and_its_bounds() -> None:
    place = EndpointKey("012345678901", "eu-west-1", Kind.REALTIME_ENDPOINT, "ocr", "blue")
    text = render_starter(place, RealtimeSize("ml.c5.xlarge", 1, 4, 4000.0), threshold_ms=250.0)
    assert "realtime eu-west-1/ocr:blue has 1-4 x ml.c5.xlarge at 4000/min today." in text
    policy = read(text)
    assert policy.target.qualifier == "blue"
    assert policy.autoscaling == Autoscaling()
    written = read(uncommented(text, "bounds:", "xlarge]", "1", "8"))
    expected = Bounds(instance_types=("ml.c5.xlarge",), min_instances=1, max_instances=8)
    assert written.bounds == expected
