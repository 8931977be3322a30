"""Policies for SageMaker endpoints, and for several kinds at once."""

import io

import pytest
from policy_texts import HEAD, SLO, defaults, loaded, policy, refused, warnings

from controller.model.endpoint import Kind
from controller.model.instance_types import FAMILIES, KNOWN_TYPES, needs_a_build
from controller.model.policy import Autoscaling, Bounds, Covers, Policy
from controller.policy import load, resolved_document

KINDS = {"s": "serverless_endpoint", "r": "realtime_endpoint", "l": "lambda_function"}


def of(kind: str, extra: str = "", target: str = "name: ocr", slo: str = SLO) -> str:
    """A policy of one kind (by its first letter), or of the kind given; extra is on line 7."""
    return (
        HEAD
        + "metadata: {name: ocr}\nspec:\n"
        + f"  target: {{kind: {KINDS.get(kind, kind)}, {target}, region: eu-west-1}}\n"
        + slo
        + extra
    )


def only(*documents: str) -> Policy:
    (one,) = loaded(*documents).policies
    return one


BROAD = """\
  bounds:
    minMemory: 2Gi
    maxMemory: 4Gi
    minConcurrency: 5
    maxConcurrency: 50
    maxProvisionedConcurrency: 2
"""


def test_a_serverless_endpoint() -> None:
    covers = "  slo: {latency: {threshold: 400ms, covers: total}}\n"
    one = only(of("s", BROAD, slo=covers))
    assert one.target.kinds == (Kind.SERVERLESS_ENDPOINT,)
    assert one.target.qualifier == "AllTraffic"
    assert one.slo.covers is Covers.TOTAL
    assert one.bounds == Bounds(
        min_memory_mb=2048,
        max_memory_mb=4096,
        min_concurrency=5,
        max_concurrency=50,
        max_provisioned_concurrency=2,
    )


def test_a_realtime_endpoint() -> None:
    one = only(
        of(
            "r",
            "  bounds: {instanceTypes: [ml.c5.xlarge, ml.c5.large], minInstances: 2,"
            " maxInstances: 6}\n  autoscaling: {utilization: 65%, schedule: false}\n",
            target="name: ocr, qualifier: blue",
        )
    )
    assert one.target.qualifier_of(one.target.kind) == "blue"
    assert one.bounds.instance_types == ("ml.c5.large", "ml.c5.xlarge")
    assert (one.bounds.min_instances, one.bounds.max_instances) == (2, 6)
    assert one.autoscaling == Autoscaling(0.65, schedule=False)


def test_a_selector_matches_several_kinds() -> None:
    several = only(of("[realtime_endpoint, lambda_function]", target="selector: {namePattern: a}"))
    assert several.target.kinds == (Kind.LAMBDA_FUNCTION, Kind.REALTIME_ENDPOINT)
    assert several.target.qualifier is None
    qualifiers = [several.target.qualifier_of(kind) for kind in several.target.kinds]
    assert qualifiers == ["$LATEST", "AllTraffic"]
    every = only(of("any", target="selector: {namePattern: a}"))
    assert every.target.kinds == tuple(Kind)


EVERY_FIELD = [
    of("s", BROAD),
    of("r", "  bounds: {instanceFamilies: [c5, g4dn], maxInstances: 4}\n"),
    of("any", "  bounds: {minMemory: 1Gi, maxInstances: 4}\n", target='selector: {tags: {a: "b"}}'),
    of("[serverless_endpoint, realtime_endpoint]", target="selector: {namePattern: a-*}"),
]


@pytest.mark.parametrize("text", EVERY_FIELD)
def test_what_is_written_out_loads_as_the_same(text: str) -> None:
    one = only(text)
    document = resolved_document(one)
    again = load(["-"], io.StringIO(_yaml(document))).policies[0]
    assert (again.generation, resolved_document(again)) == (one.generation, document)


def _yaml(document: object) -> str:
    import json

    return json.dumps(document)  # YAML takes JSON


def test_defaults_of_other_kinds_are_left_out_in_silence() -> None:
    shared = defaults(
        "{bounds: {minMemory: 256Mi, maxMemory: 5000Mi, maxConcurrency: 20, maxInstances: 3},"
        " autoscaling: {utilization: 50%}, slo: {latency: {covers: total}}}"
    )
    assert warnings(shared, of("l")) == []
    assert only(shared, of("l")).bounds == Bounds(min_memory_mb=256, max_memory_mb=5000)
    assert only(shared, of("l")).slo.covers is Covers.MODEL
    serverless = only(shared, of("s"))
    assert serverless.bounds.max_concurrency == 20
    assert serverless.bounds.max_instances is None
    realtime = only(shared, of("r"))
    assert realtime.bounds == Bounds(max_instances=3)
    assert realtime.autoscaling.utilization == 0.5


def test_a_lambda_policy_is_the_same_as_before_there_were_other_kinds() -> None:
    spec = resolved_document(only(of("l")))["spec"]
    assert "autoscaling" not in spec
    assert spec["slo"] == {"latency": {"percentile": "p95", "threshold": "400ms"}, "window": "1h"}
    assert spec["target"]["kind"] == "lambda_function"


WRONG = [
    # of another kind
    (
        of("l", "  bounds: {maxInstances: 3}\n"),
        "7:12: spec.bounds.maxInstances: is of real-time endpoints, not of Lambda functions; "
        "remove it",
    ),
    (
        of("s", "  bounds: {instanceTypes: [ml.c5.large]}\n"),
        "7:12: spec.bounds.instanceTypes: is of real-time endpoints, not of serverless endpoints; "
        'did you mean "memory"?',
    ),
    (
        of("r", "  bounds:\n    minMemory: 1Gi\n"),
        "8:5: spec.bounds.minMemory: is of Lambda functions and serverless endpoints, not of "
        'real-time endpoints; did you mean "instanceTypes"?',
    ),
    (
        of("s", "  autoscaling: {utilization: 50%}\n"),
        "7:3: spec.autoscaling: is of real-time endpoints, not of serverless endpoints; remove it",
    ),
    (
        of("l", slo="  slo: {latency: {threshold: 400ms, covers: total}}\n"),
        "6:37: spec.slo.latency.covers: is of serverless endpoints and real-time endpoints, not "
        "of Lambda functions; remove it",
    ),
    # names
    (
        of("s", target="name: my_model"),
        '5:45: spec.target.name: "my_model" is not the name of an endpoint; letters, digits and '
        "dashes, at most 63, a letter or digit at both ends",
    ),
    (
        of("r", target='name: ocr, qualifier: "$LATEST"'),
        '5:59: spec.target.qualifier: "$LATEST" is of Lambda functions; endpoints have variants; '
        "remove it for AllTraffic, or name the variant",
    ),
    (
        of("serverless"),
        '5:18: spec.target.kind: "serverless" is not a kind of endpoint; did you mean '
        '"serverless_endpoint"?',
    ),
    (
        of("[realtime_endpoint, realtme_endpoint]", target="selector: {namePattern: a}"),
        '5:12: spec.target.kind: "realtme_endpoint" is not a kind of endpoint; did you mean '
        '"realtime_endpoint"?',
    ),
    (
        of("[]", target="selector: {namePattern: a}"),
        "5:12: spec.target.kind: an empty list names no kind; write any for all kinds",
    ),
    (
        of("any"),
        "5:18: spec.target.kind: one name is of one endpoint, so its kind must be given; kinds "
        "may be mixed with a selector",
    ),
    (
        of("any", target="selector: {namePattern: a}, qualifier: live"),
        "5:62: spec.target.qualifier: what traffic calls differs between the kinds: an alias, or "
        "a variant; remove it, or name one kind",
    ),
    # thresholds
    (
        of("r", slo="  slo: {latency: {threshold: 2m}}\n"),
        "6:30: spec.slo.latency.threshold: SageMaker ends every request after 1m, so 2m can "
        "never be exceeded",
    ),
    (
        of("r", slo="  slo: {latency: {threshold: 1s, covers: modle}}\n"),
        '6:42: spec.slo.latency.covers: "modle" is not one of model, total, client; '
        'did you mean "model"?',
    ),
    # memory
    (
        of("s", "  bounds: {memory: [1Gi, 1536Mi]}\n"),
        "7:26: spec.bounds.memory[1]: 1536Mi is not one of a serverless endpoint's sizes, 1Gi, "
        "2Gi … 6Gi; did you mean 1Gi?",
    ),
    (
        of("s", "  bounds: {maxMemory: 8Gi}\n"),
        "7:23: spec.bounds.maxMemory: 8Gi is not one of a serverless endpoint's sizes, 1Gi, "
        "2Gi … 6Gi; did you mean 6Gi?",
    ),
    (
        of("any", "  bounds: {maxMemory: 512Mi}\n", target="selector: {namePattern: a}"),
        "7:23: spec.bounds.maxMemory: no size of serverless endpoints (1Gi, 2Gi … 6Gi) lies "
        "inside of the bounds",
    ),
    # concurrency
    (
        of("s", "  bounds: {maxConcurrency: 201}\n"),
        "7:28: spec.bounds.maxConcurrency: 201 is out of range: must be between 1 and 200, the "
        "most that one endpoint may have",
    ),
    (
        of("s", "  bounds: {minConcurrency: 20, maxConcurrency: 5}\n"),
        "7:28: spec.bounds.minConcurrency: 20 is more than maxConcurrency 5",
    ),
    (
        of("s", "  bounds: {maxConcurrency: 5, maxProvisionedConcurrency: 6}\n"),
        "7:58: spec.bounds.maxProvisionedConcurrency: 6 is more than maxConcurrency 5",
    ),
    # instances
    (
        of("r", "  bounds: {minInstances: 4, maxInstances: 2}\n"),
        "7:26: spec.bounds.minInstances: 4 is more than maxInstances 2: no number satisfies "
        "both; swap them?",
    ),
    (
        of("r", "  bounds: {minInstances: 0}\n"),
        "7:26: spec.bounds.minInstances: 0 is out of range: must be at least 1",
    ),
    (
        of("r", "  bounds: {instanceTypes: [c5.xlarge]}\n"),
        '7:28: spec.bounds.instanceTypes[0]: "c5.xlarge" is not an instance type of endpoints; '
        'did you mean "ml.c5.xlarge"?',
    ),
    (
        of("r", "  bounds: {instanceTypes: [ml.c5.xlrge]}\n"),
        '7:28: spec.bounds.instanceTypes[0]: "ml.c5.xlrge" is not an instance type of endpoints; '
        'did you mean "ml.c5.xlarge"?',
    ),
    (
        of("r", "  bounds: {instanceTypes: [ml.t3.medium]}\n"),
        '7:28: spec.bounds.instanceTypes[0]: "ml.t3.medium" is not for endpoints; ml.t3 is sold '
        "for notebooks and processing; for endpoints there is ml.t2",
    ),
    (
        of("r", "  bounds: {instanceTypes: []}\n"),
        "7:12: spec.bounds.instanceTypes: an empty list leaves no type to choose; remove it for "
        "the live type's family",
    ),
    (
        of("r", "  bounds: {instanceTypes: [ml.c5.large, ml.c5.large]}\n"),
        "7:41: spec.bounds.instanceTypes[1]: ml.c5.large is listed twice",
    ),
    (
        of("r", "  bounds: {instanceTypes: [ml.t2.large], maxInstances: 3}\n"),
        "7:28: spec.bounds.instanceTypes[0]: AWS does not autoscale ml.t2.large: it is chosen "
        "with a fixed number only; set minInstances and maxInstances to one number, or use "
        "ml.m5.large",
    ),
    (
        of("r", "  bounds: {instanceTypes: [ml.c5.large], instanceFamilies: [c5]}\n"),
        "7:42: spec.bounds.instanceFamilies: says nothing beside instanceTypes, which names the "
        "types; keep one of them",
    ),
    (
        of("r", "  bounds: {instanceFamilies: [ml.c5]}\n"),
        '7:31: spec.bounds.instanceFamilies[0]: "ml.c5" is not a family; did you mean "c5"?',
    ),
    (
        of("r", "  autoscaling: {utilization: 99%}\n"),
        '7:30: spec.autoscaling.utilization: "99%" is out of range: must be between 10% and 95%',
    ),
    (
        of("r", "  autoscaling: {schedule: yes}\n"),
        '7:27: spec.autoscaling.schedule: "yes" is neither true nor false; did you mean true?',
    ),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[said[:60] for _, said in WRONG])
def test_what_is_wrong_where_and_what_was_meant(text: str, said: str) -> None:
    assert refused(text) == [said]


def test_types_that_aws_may_have_added_pass_with_a_warning() -> None:
    (said,) = warnings(of("r", "  bounds: {instanceTypes: [ml.c9x.xlarge]}\n"))
    assert "is not a type that this version knows" in said
    (said,) = warnings(of("r", "  bounds: {instanceFamilies: [c9x]}\n"))
    assert "is not a family that this version knows" in said


def test_what_clients_see_is_for_a_probe_to_tell() -> None:
    (said,) = warnings(of("r", slo="  slo: {latency: {threshold: 1s, covers: client}}\n"))
    assert said.startswith("6:42: spec.slo.latency.covers: only a probe can measure")
    shared = defaults("{slo: {latency: {covers: client}}}")
    assert warnings(shared, of("l")) == []


def test_burstable_types_pass_with_a_fixed_number() -> None:
    fixed = "minInstances: 1, maxInstances: 1"
    assert warnings(of("r", f"  bounds: {{instanceTypes: [ml.t2.large], {fixed}}}\n")) == []
    mixed = "  bounds: {instanceTypes: [ml.t2.large, ml.c5.large], maxInstances: 3}\n"
    (said,) = warnings(of("r", mixed))
    assert "AWS does not autoscale ml.t2.large" in said


def test_one_endpoint_is_not_both_serverless_and_realtime() -> None:
    first = of("s").replace("{name: ocr}", "{name: first}", 1)
    _, said = refused(first, of("r"))
    assert "is claimed by policy first" in said
    assert "either serverless or real-time" in said
    # A function may have the same name as an endpoint.
    assert len(loaded(first, policy("function")).policies) == 2


def test_equal_selectors_of_different_kinds_do_not_meet() -> None:
    wanted = "selector: {namePattern: a-*}"
    first = of("s", target=wanted).replace("{name: ocr}", "{name: first}", 1)
    assert len(loaded(first, of("r", target=wanted)).policies) == 2
    _, said = refused(first, of("any", target=wanted))
    assert "selects the same endpoints as policy first" in said


def test_types_are_listed_once_and_some_need_a_build() -> None:
    assert sum(len(types) for types in FAMILIES.values()) == len(KNOWN_TYPES)
    assert needs_a_build("ml.g4dn.xlarge")
    assert needs_a_build("ml.c7g.large")
    assert not needs_a_build("ml.c5.large")


def test_the_names_are_those_of_the_service_model() -> None:
    import botocore.session

    model = botocore.session.get_session().get_service_model("sagemaker")
    assert set(model.shape_for("ProductionVariantInstanceType").enum) >= KNOWN_TYPES
