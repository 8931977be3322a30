"""`probe:` of a policy: what it becomes, and what is refused, with line and column."""

import io
from pathlib import Path

import pytest

from controller.model.policy import Policy
from controller.model.probing import Expect, LiveProbe, Phase, ProbeBudget, StopRules
from controller.policy import load, load_with_warnings
from controller.policy.problems import PolicyInvalid
from controller.policy.rates import format_rate_rps, parse_rate_rps

HEAD = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata: {name: ocr}
spec:
  target: {kind: KIND, name: ocr, region: eu-west-1}
  slo: {latency: {threshold: 400ms}}
"""
DEFAULTS = """\
apiVersion: rightsizer.dev/v1alpha1
kind: PolicyDefaults
metadata: {name: defaults}
spec:
"""


def read(probe: str, kind: str = "lambda_function", defaults: str = "") -> Policy:
    text = HEAD.replace("KIND", kind) + probe
    if defaults:
        text += f"---\n{DEFAULTS}{defaults}"
    (policy,) = load_with_warnings(["-"], io.StringIO(text))[0].policies
    return policy


def test_everything_that_may_be_said() -> None:
    probe = read("""\
  probe:
    payloads:
      - inline: '{"a": 1}'
        weight: 3
        accept: text/csv
        targetModel: a.tar.gz
        expect: {status: 200, contains: ok, matches: "o+k", jsonHas: [label, score.value]}
      - {file: payloads/page.csv, contentType: text/csv}
      - {s3: "s3://samples/all.tar.gz"}
    live: {every: 10m, requests: 30, rate: 30/min}
    shadow: {allowed: true, mirrored: true, phases: [{rate: 1/s, to: 5/s, duration: 1m}]}
    warmUp: 5
    maxConcurrency: 20
    spareShare: 5%
    stop: {p95: 800ms, errorRate: never, maxInvocations: unlimited, flatThroughput: false}
    budget: {perProbe: 0.10 USD, perDay: unlimited}
    timeLimit: 5m
    locustfile: mine.py
""", "realtime_endpoint").probe  # fmt: skip
    assert probe is not None
    inline, file, s3 = probe.payloads
    assert (inline.inline, inline.weight, inline.accept) == ('{"a": 1}', 3.0, "text/csv")
    assert inline.target_model == "a.tar.gz"
    assert inline.expect == Expect(200, "ok", "o+k", ("label", "score.value"))
    assert (file.file, file.content_type, file.weight) == ("payloads/page.csv", "text/csv", 1.0)
    assert s3.s3 == "s3://samples/all.tar.gz"
    assert probe.live == LiveProbe(600.0, 30, 0.5)
    assert probe.phases == (Phase(1.0, 5.0, 60.0),)
    assert probe.shadows
    assert probe.mirrored
    assert probe.stop == StopRules(800.0, None, None, flat_throughput=False)
    assert probe.budget == ProbeBudget(0.1, None)
    assert (probe.warm_up, probe.max_in_flight, probe.spare_share) == (5, 20, 0.05)
    assert (probe.time_limit_s, probe.locustfile) == (300.0, "mine.py")


def test_stairs_are_phases_of_one_rate_each() -> None:
    probe = read(
        "  probe: {payloads: [{inline: x}], shadow: {stairs: "
        "{steps: 3, ratePerStep: 0.1/s, duration: 2m}}}\n"
    ).probe
    assert probe is not None
    assert [phase.from_rps for phase in probe.phases] == [0.1, 0.2, 0.3]
    assert all(p.from_rps == p.to_rps and p.duration_s == 120.0 for p in probe.phases)


def test_defaults_limit_probes_but_start_none() -> None:
    limits = "  probe: {budget: {perDay: 5 USD}, live: {every: 1h}, maxConcurrency: 3}\n"
    assert read("", defaults=limits).probe is None
    probe = read(
        "  probe: {payloads: [{inline: x}], live: {every: never}}\n", defaults=limits
    ).probe
    assert probe is not None
    assert probe.budget.usd_per_day == 5.0
    assert probe.max_in_flight == 3
    assert probe.live is None


def test_a_file_of_the_defaults_is_beside_them(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "00.yaml").write_text(f"{DEFAULTS}  probe: {{payloads: [{{file: p/x.json}}]}}\n")
    (tmp_path / "team" / "ocr.yaml").write_text(HEAD.replace("KIND", "lambda_function"))
    (policy,) = load([tmp_path]).policies
    assert policy.probe is not None
    assert policy.probe.payloads[0].file == str(tmp_path / "p" / "x.json")


def test_a_policy_that_moves_with_its_payloads_stays_the_same(tmp_path: Path) -> None:
    text = HEAD.replace("KIND", "lambda_function") + "  probe: {payloads: [{file: p/x.json}]}\n"
    found = []
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "ocr.yaml").write_text(text)
        found.append(load([tmp_path / place]).policies[0])
    files = [policy.probe.payloads[0].file for policy in found if policy.probe is not None]
    assert files == [str(tmp_path / place / "p" / "x.json") for place in ("a", "b")]
    assert found[0].generation == found[1].generation


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("{live: {every: 5m}}", "7:3: spec.probe.payloads: required"),
        ("{payloads: [{weight: 2}]}", "says nothing to send; give inline, file or s3"),
        ("{payloads: [{inline: a, file: b}]}", "has inline and file; keep one"),
        ("{payloads: [{inline: 5}]}", "7:31: spec.probe.payloads[0].inline: 5 is not text"),
        ("{payloads: [{s3: my-bucket/x}]}", "did you mean|write it as s3://bucket/key"),
        ("{payloads: [{file: 's3://b/x'}]}", "did you mean s3?"),
        ("{payloads: [{inline: a, weight: 0}]}", "out of range: must be more than 0"),
        ("{payloads: [{inline: a, expect: {matches: '('}}]}", "is not a regular expression"),
        (
            "{payloads: [{inline: a, expect: {status: 900}}]}",
            "900 is out of range: must be between 100 and 599",
        ),
        ("{payloads: [{inline: a, accept: text/csv}]}", "is of endpoints, not of Lambda"),
        ("{payloads: [{inline: a, targetModel: m}]}", "is of real-time endpoints only"),
        ("{payloads: [{inline: a}], shadow: {mirrored: true}}", "is of real-time endpoints, not"),
        ("{payloads: [{inline: a}], live: {rate: 5}}", "did you mean 5/s?"),
        ("{payloads: [{inline: a}], live: {rate: 5 rps}}", "did you mean 5/s?"),
        ("{payloads: [{inline: a}], live: {rate: 30/minute}}", "did you mean 30/min?"),
        (
            "{payloads: [{inline: a}], live: {every: 10s}}",
            "out of range: must be between 1m and 14d",
        ),
        ("{payloads: [{inline: a}], live: {requests: 100, rate: 1/min}}", "would not end before"),
        ("{payloads: [{inline: a}], budget: {perProbe: 2 USD}}", "is more than perDay 1 USD"),
        ("{payloads: [{inline: a}], timeLimit: 2h}", "out of range: must be between 10s and 1h"),
        (
            "{payloads: [{inline: a}], shadow: {phases: [{rate: 1/s, duration: 20m}]}}",
            "they last 20m, and a probe is killed after timeLimit 10m (the default)",
        ),
        (
            "{payloads: [{inline: a}], shadow: {phases: [{rate: 1/s, duration: 1m}], "
            "stairs: {steps: 1, ratePerStep: 1/s, duration: 1m}}}",
            "has both phases and stairs; keep one",
        ),
    ],
)
def test_what_cannot_be_is_placed_and_explained(probe: str, said: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        read(f"  probe: {probe}\n")
    (problem,) = refused.value.problems
    assert any(words in str(problem) for words in said.split("|")), str(problem)
    assert problem.line == 7


def test_payloads_that_nothing_sends_are_hardly_meant() -> None:
    text = HEAD.replace("KIND", "lambda_function") + "  probe: {payloads: [{inline: x}]}\n"
    (warning,) = load_with_warnings(["-"], io.StringIO(text))[1]
    assert "neither live probes nor shadows are wanted" in warning.message


@pytest.mark.parametrize("text", ["5/s", "0.5/s", "10/min", "7/min", "1/h", "100000/s"])
def test_a_rate_is_written_as_it_is_read(text: str) -> None:
    rps = parse_rate_rps(text)
    assert parse_rate_rps(format_rate_rps(rps)) == rps


def test_mirrored_requests_need_no_payloads_and_the_mode_that_deploys() -> None:
    spec = "  probe: {shadow: {mirrored: true}}\n"
    probe = read(spec + "  mode: Enforce\n", "realtime_endpoint").probe
    assert probe is not None
    assert (probe.mirrored, probe.shadows, probe.payloads) == (True, False, ())
    text = HEAD.replace("KIND", "realtime_endpoint") + spec + "  mode: Recommend\n"
    (warning,) = load_with_warnings(["-"], io.StringIO(text))[1]
    assert "only `rightsizer probe --mirrored` copies requests" in warning.message
