"""Wrong policies: the exact position, what is wrong, and what was probably meant.

Each case is a policy whose last lines are wrong in one way. The first six lines are
those of `POLICY`, so that what is appended begins on line 7.
"""

import pytest
from policy_texts import HEAD, POLICY, SLO, TARGET, defaults, limits, policy, problems, refused

from controller.policy import PolicyProblem

APPENDED = [
    # unknown fields
    ("  windows: []\n", '7:3: spec.windows: unknown field; did you mean "changeWindows"?'),
    ("  window: 1h\n", "7:3: spec.window: unknown field; it belongs in spec.slo"),
    (
        "  replicas: 2\n",
        "7:3: spec.replicas: unknown field; the fields here are mode, slo, budget, bounds, "
        "cadence, changeWindows, rollout, autoscaling, probe, confidence, onConflict, target",
    ),
    ("  cadance: {}\n", '7:3: spec.cadance: unknown field; did you mean "cadence"?'),
    ("  on_conflict: slo\n", '7:3: spec.on_conflict: unknown field; did you mean "onConflict"?'),
    ("  percentile: p95\n", "7:3: spec.percentile: unknown field; it belongs in spec.slo.latency"),
    (
        "  cadence:\n    coolDown: 5m\n",
        '8:5: spec.cadence.coolDown: unknown field; did you mean "cooldownUp"?',
    ),
    (
        "  rollout: {bake: 5m, minRequests: 3}\n",
        '7:23: spec.rollout.minRequests: unknown field; did you mean "minimumRequests"?',
    ),
    # duplicate keys
    (
        "  slo: {}\n",
        "7:3: spec.slo: duplicate key: first given at line 6; keep one of them",
    ),
    (
        "  mode: Off\n  mode: Enforce\n",
        "8:3: spec.mode: duplicate key: first given at line 7; keep one of them",
    ),
    # wrong words
    (
        "  mode: enforce\n",
        '7:9: spec.mode: "enforce" is not one of Off, Observe, Recommend, Enforce; '
        'did you mean "Enforce"?',
    ),
    (
        "  mode: true\n",
        "7:9: spec.mode: true is not one of Off, Observe, Recommend, Enforce",
    ),
    (
        "  onConflict: cost\n",
        '7:15: spec.onConflict: "cost" is not one of slo, budget',
    ),
    # empty values
    ("  budget:\n", "7:3: spec.budget: has no value; write one, or remove the line"),
    (
        "  budget: {perMonth: ~}\n",
        "7:12: spec.budget.perMonth: has no value; write one, or remove the line",
    ),
    # quantities
    (
        "  budget: 120 USD\n",
        '7:11: spec.budget: must be a mapping, not "120 USD"; '
        'did you mean budget: {perMonth: "120 USD"}?',
    ),
    (
        "  budget: {perMonth: 120 EUR}\n",
        '7:22: spec.budget.perMonth: "120 EUR" is not in US dollars, the only currency '
        "supported for now; AWS prices are in USD",
    ),
    (
        "  budget: {perMonth: 0 USD}\n",
        "7:22: spec.budget.perMonth: a budget of nothing allows no size at all",
    ),
    (
        "  budget: {}\n",
        "7:3: spec.budget.perMonth: required, but not given",
    ),
    (
        "  bounds:\n    maxMemory: 1024\n",
        "8:16: spec.bounds.maxMemory: 1024 has no unit; did you mean 1024Mi?",
    ),
    (
        "  bounds:\n    memory: [512Mi, 1GB]\n",
        '8:21: spec.bounds.memory[1]: "1GB" is not a memory size; '
        "did you mean 1Gi? (AWS counts a MB as 2**20 bytes)",
    ),
    (
        "  bounds: {memory: 512Mi}\n",
        '7:20: spec.bounds.memory: must be a list, not "512Mi"; did you mean [512Mi]?',
    ),
    (
        "  cadence: {interval: 300}\n",
        "7:23: spec.cadence.interval: 300 has no unit; did you mean 5m?",
    ),
    (
        "  cadence: {interval: 10s}\n",
        '7:23: spec.cadence.interval: "10s" is out of range: must be between 1m and 1d',
    ),
    (
        "  cadence: {stabilization: 30d}\n",
        '7:28: spec.cadence.stabilization: "30d" is out of range: '
        "must be between 0s and 14d; two weeks of history are kept",
    ),
    (
        "  cadence: {minimumSaving: 5}\n",
        '7:28: spec.cadence.minimumSaving: 5 is not a share between 0 and 1; did you mean "5%"?',
    ),
    (
        "  rollout: {canaryShare: 60%}\n",
        '7:26: spec.rollout.canaryShare: "60%" is out of range: '
        "must be more than 0% and at most 50%",
    ),
    (
        "  rollout: {minimumRequests: many}\n",
        '7:30: spec.rollout.minimumRequests: "many" is not a whole number',
    ),
    (
        "  confidence: 95\n",
        '7:15: spec.confidence: 95 is not a share between 0 and 1; did you mean "95%"?',
    ),
    (
        "  confidence: 0.5\n",
        "7:15: spec.confidence: 0.5 is out of range: must be more than 50% and less than 100%",
    ),
    (
        "  confidence: 100%\n",
        '7:15: spec.confidence: "100%" is out of range: must be more than 50% and less than 100%',
    ),
    # sizes that cannot be
    (
        "  bounds: {minMemory: 3Gi, maxMemory: 1Gi}\n",
        "7:23: spec.bounds.minMemory: 3Gi is more than maxMemory 1Gi: no size satisfies both; "
        "swap them?",
    ),
    (
        "  bounds: {minMemory: 64Mi}\n",
        "7:23: spec.bounds.minMemory: 64Mi is out of range: "
        "must be between 128Mi and 10Gi, Lambda's smallest and largest size",
    ),
    (
        "  bounds: {maxMemory: 64Mi}\n",
        "7:23: spec.bounds.maxMemory: 64Mi is out of range: "
        "must be between 128Mi and 10Gi, Lambda's smallest and largest size",
    ),
    (
        "  bounds: {maxMemory: 11Gi}\n",
        "7:23: spec.bounds.maxMemory: 11Gi is out of range: "
        "must be between 128Mi and 10Gi, Lambda's smallest and largest size",
    ),
    (
        "  bounds: {memory: []}\n",
        "7:12: spec.bounds.memory: an empty list leaves no size to choose; remove it for all sizes",
    ),
    (
        "  bounds: {memory: [1Gi, 2Gi], maxMemory: 512Mi}\n",
        "7:12: spec.bounds.memory: none of these sizes lies between minMemory and maxMemory",
    ),
    (
        "  bounds: {memory: [1Gi, 1024Mi]}\n",
        "7:26: spec.bounds.memory[1]: 1Gi is listed twice",
    ),
    # times that contradict each other
    (
        "  cadence: {interval: 2h}\n",
        "7:23: spec.cadence.interval: interval 2h is longer than slo.window 1h (the default): "
        "requests between two looks would never be judged",
    ),
    (
        "  cadence: {cooldownUp: 1h, cooldownDown: 30m}\n",
        "7:25: spec.cadence.cooldownUp: cooldownUp 1h is longer than cadence.cooldownDown 30m: "
        "an increase must not wait longer than a decrease",
    ),
    (
        "  cadence: {cooldownDown: 5m}\n",
        "7:27: spec.cadence.cooldownDown: cooldownUp 10m (the default) is longer than "
        "cadence.cooldownDown 5m: an increase must not wait longer than a decrease",
    ),
    (
        "  rollout: {bake: 8h}\n",
        "7:19: spec.rollout.bake: bake 8h is longer than rollout.maximumBake 6h (the default): "
        "a change would be rolled back before it may be judged",
    ),
    # change windows
    (
        "  changeWindows: [{start: '09:00'}]\n",
        "7:19: spec.changeWindows[0].end: required, but not given",
    ),
    (
        "  changeWindows:\n    - {days: [Mon, monday], start: 09:00, end: 9:30}\n",
        '8:20: spec.changeWindows[0].days[1]: "monday" is not a day; did you mean "Mon"?\n'
        '8:48: spec.changeWindows[0].end: "9:30" is not a time of day; did you mean "09:30"?',
    ),
    (
        "  changeWindows: [{days: Mon-Fri, start: '09:00', end: '17:00'}]\n",
        '7:26: spec.changeWindows[0].days: must be a list, not "Mon-Fri"; did you mean [Mon-Fri]?',
    ),
    (
        "  changeWindows: [{days: [Mon-Fri], start: '09:00', end: '17:00'}]\n",
        '7:27: spec.changeWindows[0].days[0]: "Mon-Fri" is not a day; '
        "list each day: [Mon, Tue, Wed, Thu, Fri]",
    ),
    (
        "  changeWindows: [{days: [], start: '09:00', end: '17:00'}]\n",
        "7:20: spec.changeWindows[0].days: no days: the window never opens",
    ),
    (
        "  changeWindows: [{days: [Mon, Mon], start: '09:00', end: '17:00'}]\n",
        "7:32: spec.changeWindows[0].days[1]: the day is listed twice",
    ),
    (
        "  changeWindows: [{start: '24:00', end: '02:00'}]\n",
        "7:27: spec.changeWindows[0].start: a window cannot begin at 24:00; write 00:00",
    ),
    (
        "  changeWindows: [{start: '09:00', end: '17:00', timezone: Europe/Berln}]\n",
        '7:60: spec.changeWindows[0].timezone: "Europe/Berln" is not a time zone; '
        'did you mean "Europe/Berlin"?',
    ),
    (
        "  changeWindows: [{start: '09:00', end: '17:00', timezone: CEST}]\n",
        '7:60: spec.changeWindows[0].timezone: "CEST" is not a time zone; '
        'write an IANA name such as "Europe/Berlin"',
    ),
    (
        "  changeWindows: [{start: '09:00', end: '17:00', timezone: localtime}]\n",
        '7:60: spec.changeWindows[0].timezone: "localtime" is not a time zone; '
        'write an IANA name such as "Europe/Berlin"',
    ),
]


@pytest.mark.parametrize(("appended", "said"), APPENDED)
def test_wrong_fields_are_placed_and_explained(appended: str, said: str) -> None:
    assert refused(POLICY + appended) == said.split("\n")


TARGETS = [
    (
        "{kind: lambda, name: ocr, region: eu-west-1}",
        '5:18: spec.target.kind: "lambda" is not a kind of endpoint; '
        'did you mean "lambda_function"?',
    ),
    (
        "{kind: sagemaker, name: ocr, region: eu-west-1}",
        '5:18: spec.target.kind: "sagemaker" is not a kind of endpoint; '
        "known kinds: lambda_function, serverless_endpoint, realtime_endpoint",
    ),
    (
        "{name: ocr, region: eu-west-1}",
        "5:3: spec.target.kind: required, but given neither here nor in PolicyDefaults; "
        "for example kind: lambda_function",
    ),
    (
        "{kind: lambda_function, name: ocr}",
        "5:3: spec.target.region: required, but given neither here nor in PolicyDefaults; "
        "for example region: eu-west-1",
    ),
    (
        "{kind: lambda_function, region: eu-west-1}",
        "5:3: spec.target: needs either a name or a selector",
    ),
    (
        "{kind: lambda_function, region: eu-west-1, name: a, selector: {namePattern: b}}",
        "5:3: spec.target: has both a name and a selector; keep one",
    ),
    (
        "{kind: lambda_function, region: eu-west-1, selector: {}}",
        "5:54: spec.target.selector: selects nothing: give namePattern, tags or both; "
        'namePattern: "*" selects all',
    ),
    (
        "{kind: lambda_function, region: eu-west-1, selector: ocr-*}",
        '5:64: spec.target.selector: must be a mapping, not "ocr-*"; '
        "did you mean selector: {namePattern: ocr-*}?",
    ),
    (
        "{kind: lambda_function, region: eu-west-1, selector: {namePattern: '^ocr.*$'}}",
        '5:78: spec.target.selector.namePattern: "^ocr.*$" matches no name that a function '
        "can have; write shell wildcards, not a regular expression: ocr-*",
    ),
    (
        "{kind: lambda_function, region: eu-west-1, selector: {tags: {team: 7}}}",
        '5:78: spec.target.selector.tags.team: 7 is not text; put it in quotes: "7"',
    ),
    (
        "{kind: lambda_function, name: ocr-*, region: eu-west-1}",
        '5:41: spec.target.name: "ocr-*" is not the name of a function; '
        "a pattern belongs in selector.namePattern",
    ),
    (
        "{kind: lambda_function, name: 'ocr:live', region: eu-west-1}",
        '5:41: spec.target.name: "ocr:live" is not the name of a function; '
        'did you mean name: "ocr", qualifier: "live"?',
    ),
    (
        "{kind: lambda_function, region: eu-west-1, "
        "name: 'arn:aws:lambda:eu-west-1:123456789012:function:ocr'}",
        "5:60: spec.target.name: "
        '"arn:aws:lambda:eu-west-1:123456789012:function:ocr" is not the name of a function; '
        'did you mean name: "ocr", region: "eu-west-1", account: "123456789012"?',
    ),
    (
        "{kind: lambda_function, name: ocr, region: us_east_1}",
        '5:54: spec.target.region: "us_east_1" is not a region; did you mean "us-east-1"?',
    ),
    (
        "{kind: lambda_function, name: ocr, region: eu-west-1, account: 012345678901}",
        '5:74: spec.target.account: 12345678901 is not text; put it in quotes: "012345678901"',
    ),
    (
        "{kind: lambda_function, name: ocr, region: eu-west-1, account: '1234-5678-9012'}",
        '5:74: spec.target.account: "1234-5678-9012" is not an account; '
        'did you mean "123456789012"?',
    ),
    (
        "{kind: lambda_function, name: ocr, region: eu-west-1, qualifier: '12'}",
        '5:76: spec.target.qualifier: "12" is a version, and versions never change; '
        "name the alias that traffic uses",
    ),
    (
        "{kind: lambda_function, name: ocr, region: eu-west-1, qualifier: $latest}",
        '5:76: spec.target.qualifier: "$latest" is not a qualifier; did you mean "$LATEST"?',
    ),
    (
        "{kind: lambda_function, name: ocr, region: eu-west-1, externalId: f3a9}",
        "5:77: spec.target.externalId: has no use without roleArn",
    ),
    (
        "{kind: lambda_function, name: ocr, region: eu-west-1, account: '111111111111', "
        "roleArn: 'arn:aws:iam::222222222222:role/r'}",
        "5:99: spec.target.roleArn: the role is of account 222222222222, not of 111111111111",
    ),
    (
        "{kind: lambda_function, name: ocr, region: eu-west-1, roleArn: rightsizer}",
        '5:74: spec.target.roleArn: "rightsizer" is not the ARN of a role; '
        "write it as arn:aws:iam::123456789012:role/NAME",
    ),
]


@pytest.mark.parametrize(("target", "said"), TARGETS)
def test_wrong_targets_are_placed_and_explained(target: str, said: str) -> None:
    text = HEAD + f"metadata: {{name: x}}\nspec:\n  target: {target}\n" + SLO
    assert refused(text) == [said]


SLOS = [
    ("400", "400 has no unit; did you mean 400ms?"),
    ("0ms", "a latency threshold of nothing can never be met"),
    ("20m", "Lambda ends every request after 15m, so 20m can never be exceeded"),
]


@pytest.mark.parametrize(("threshold", "said"), SLOS)
def test_wrong_thresholds(threshold: str, said: str) -> None:
    slo = f"  slo: {{latency: {{threshold: {threshold}}}}}\n"
    text = HEAD + "metadata: {name: x}\nspec:\n" + TARGET + slo
    assert refused(text) == [f"6:30: spec.slo.latency.threshold: {said}"]


def test_the_threshold_must_be_given_by_somebody() -> None:
    text = HEAD + "metadata: {name: x}\nspec:\n" + TARGET + "  slo: {window: 1h}\n"
    assert refused(text) == [
        "6:3: spec.slo.latency.threshold: required, but given neither here nor in "
        "PolicyDefaults; for example threshold: 400ms"
    ]


ENVELOPES = [
    (
        "- 1\n",
        "1:1: a document must be a mapping, not a list; begin it with apiVersion: "
        "rightsizer.dev/v1alpha1",
    ),
    (
        "hello\n",
        '1:1: a document must be a mapping, not "hello"; begin it with apiVersion: '
        "rightsizer.dev/v1alpha1",
    ),
    (
        POLICY.replace("v1alpha1", "v1alpha2"),
        '1:13: apiVersion: "rightsizer.dev/v1alpha2" is not known; '
        'did you mean "rightsizer.dev/v1alpha1"?',
    ),
    (
        POLICY.replace("rightsizer.dev/v1alpha1", "apps/v1"),
        '1:13: apiVersion: "apps/v1" is not known; rightsizer reads rightsizer.dev/v1alpha1 only',
    ),
    (
        POLICY.replace("RightsizingPolicy", "RightSizePolicy"),
        '2:7: kind: "RightSizePolicy" is not known; did you mean "RightsizingPolicy"?',
    ),
    (
        POLICY.replace("kind: RightsizingPolicy\n", ""),
        "1:1: kind: required, but not given; write kind: RightsizingPolicy",
    ),
    (
        POLICY.replace("metadata: {name: ocr}\n", ""),
        "1:1: metadata: required, but not given",
    ),
    (
        POLICY.replace("name: ocr}\nspec", "nam: ocr}\nspec"),
        "3:1: metadata.name: required, but not given\n"
        '3:12: metadata.nam: unknown field; did you mean "name"?',
    ),
    (
        POLICY.replace("{name: ocr}\nspec", "{name: OCR live}\nspec"),
        '3:18: metadata.name: "OCR live" is not a name: at most 63 small letters, digits and '
        'dashes; did you mean "ocr-live"?',
    ),
    (
        POLICY.replace("{name: ocr}\nspec", "{name: ocr, labels: {tier: 1}}\nspec"),
        '3:38: metadata.labels.tier: 1 is not text; put it in quotes: "1"',
    ),
]


@pytest.mark.parametrize(("text", "said"), ENVELOPES)
def test_wrong_envelopes(text: str, said: str) -> None:
    assert refused(text) == said.split("\n")


def test_defaults_and_limits_are_as_strict() -> None:
    assert refused(defaults("{mode: Enforced, target: {name: ocr}}")) == [
        '4:14: spec.mode: "Enforced" is not one of Off, Observe, Recommend, Enforce; '
        'did you mean "Enforce"?',
        "4:33: spec.target.name: unknown field; the fields here are kind, region, account, "
        "roleArn, externalId, qualifier",
    ]
    assert refused(limits("{maxChangesPerHour: none, maxChanges: 1}")) == [
        '4:27: spec.maxChangesPerHour: "none" is not a whole number',
        '4:33: spec.maxChanges: unknown field; did you mean "maxChangesPerDay"?',
    ]


def test_one_run_tells_everything_of_every_document() -> None:
    said = refused(
        policy("a", extra="  mode: Of\n  cadence: {cooldownUp: 1d}\n"),
        policy("b", target="name: Ü", extra="  bounds: {minMemory: 3Gi, maxMemory: 1Gi}\n"),
        "not a policy\n",
    )
    assert (
        said
        == [
            '7:9: spec.mode: "Of" is not one of Off, Observe, Recommend, Enforce; '
            'did you mean "Off"?',
            "8:25: spec.cadence.cooldownUp: cooldownUp 1d is longer than cadence.cooldownDown 6h "
            "(the default): an increase must not wait longer than a decrease",
            '14:41: spec.target.name: "Ü" is not the name of a function; '
            "letters, digits, dashes and underscores, at most 64",
            '18:1: a document must be a mapping, not "not a policy"; begin it with apiVersion: '
            "rightsizer.dev/v1alpha1",
        ]
        or said == []
    )


def test_nothing_is_concluded_from_a_field_that_has_errors() -> None:
    said = refused(POLICY + "  cadence: {cooldownUp: 1d, cooldownDown: 2 days}\n")
    assert said == ['7:43: spec.cadence.cooldownDown: "2 days" is not a duration; did you mean 2d?']


def test_a_problem_prints_as_editors_and_people_read_it() -> None:
    found = problems(POLICY + "  mod: Off\n")[0]
    assert isinstance(found, PolicyProblem)
    assert (found.file, found.line, found.column, found.path) == ("<stdin>", 7, 3, "spec.mod")
    assert str(found) == '<stdin>:7:3: spec.mod: unknown field; did you mean "mode"?'
    assert str(PolicyProblem("a.yaml", None, None, "", "is odd")) == "a.yaml: is odd"
