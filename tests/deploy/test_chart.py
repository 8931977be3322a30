"""The Helm chart: valid Kubernetes in every combination, and what the program understands."""

import json
import re
import subprocess
from typing import Any

import pytest
from chart import (
    BIN,
    CHART,
    DEPLOY,
    REPOSITORY,
    YAML_SAFE,
    container,
    helm,
    pod,
    render,
    tool,
    variables,
)

import controller
from controller.cli.config import options
from controller.cli.main import execute
from controller.model.policy import Mode
from controller.policy.loader import load_with_warnings

pytestmark = pytest.mark.slow

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8")
EVERYTHING = (
    "serviceMonitor.enabled=true", "prometheusRule.enabled=true", "probes.enabled=true",
    "probes.workers=3", "probes.master=load:5557", "listener.tokenSecret=t",
    "listener.tokenForMetrics=true", "listener.tlsSecret=c",
    "notify.secret=n", "priorityClassName=high",
    "serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=arn:aws:iam::1:role/r",
    "image.digest=sha256:" + "a" * 64, "image.probeDigest=sha256:" + "b" * 64,
    "podLabels.team=ml", "extraArgs[0]=--keep-versions=5",
)  # fmt: skip
SQLITE = ("journal.kind=sqlite", "replicaCount=1")
GIT = (
    "policies.gitSync.enabled=true",
    "policies.gitSync.repo=git@host:p",
    "policies.gitSync.sshSecret=s",
)
COMBINATIONS = {
    "defaults": (),
    "one replica with a file": SQLITE,
    "shards": ("shards=3",),
    "lease in DynamoDB": ("lease=dynamodb",),
    "policies from a repository": GIT,
    "everything": EVERYTHING,
    "nothing but the controller": (
        "networkPolicy.enabled=false", "podDisruptionBudget.enabled=false",
        "serviceAccount.create=false", "policies.existingConfigMap=mine",
        "journal.dynamodb.create=false",
    ),
}  # fmt: skip
OF_THE_OPERATOR = {"ServiceMonitor", "PrometheusRule"}


def settings(chosen: tuple[str, ...]) -> list[str]:
    return [word for one in chosen for word in ("--set", one)]


def test_it_lints() -> None:
    done = helm("lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout
    assert "ERROR" not in done.stdout
    assert "WARNING" not in done.stdout


@pytest.mark.parametrize("chosen", COMBINATIONS.values(), ids=COMBINATIONS)
def test_every_combination_is_strictly_valid_kubernetes(chosen: tuple[str, ...]) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    for name, document in render(*settings(chosen)).items():
        if document["kind"] not in OF_THE_OPERATOR:
            validator.validate(document, validator.latest_version(), strict=True)
            assert document["metadata"].get("namespace") == "rightsizer", name


@pytest.mark.parametrize("chosen", COMBINATIONS.values(), ids=COMBINATIONS)
def test_the_program_understands_what_the_chart_tells_it(chosen: tuple[str, ...]) -> None:
    """Every variable is a setting, and every argument parses, as `config view` shows."""
    from io import StringIO

    from controller.cli.session import Session
    from controller.clock import SystemClock
    from controller.settings import Environment

    manifests = render(*settings(chosen))
    given = variables(manifests)
    known = {option.envvar for option in options()}
    assert {name for name in given if name.startswith("RIGHTSIZER_")} <= known
    out, err = StringIO(), StringIO()
    session = Session(Environment(given), SystemClock(), lambda _: None, StringIO(), out, err)
    arguments = container(manifests)["args"]
    assert arguments[0] == "run"
    assert execute(["config", "view", *arguments[1:], "-o", "json"], session) == 0, err.getvalue()
    shown = {item["name"]: item for item in json.loads(out.getvalue())["items"]}
    assert shown["listen"]["value"] == "0.0.0.0:9797"
    assert shown["policies"]["value"][0].startswith("/etc/rightsizer/policies")
    if "shards=3" in chosen:
        assert shown["shard"]["value"] == "auto/3"


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        (("journal.kind=sqlite",), "one writer"),
        (("journal.kind=sqlite", "replicaCount=1", "shards=2"), "one writer"),
        (("lease=none",), "must agree on who acts"),
        (("journal.kind=postgres",), "journal/kind|journal.kind"),
        (("replicas=3",), "replicas"),
        (("listener.tokenForMetrics=true",), "tokenSecret"),
        (("image.digest=latest",), "digest"),
        (("policies.gitSync.enabled=true",), "gitSync.repo"),
        (("probes.workers=2",), "probes.master"),
        (("probes.enabled=true", "image.digest=sha256:" + "a" * 64), "image.probeDigest"),
    ],
)
def test_what_cannot_work_is_refused(chosen: tuple[str, ...], says: str) -> None:
    done = helm("template", "rightsizer", CHART, *settings(chosen))
    assert done.returncode != 0
    assert re.search(says, done.stderr), done.stderr


@pytest.mark.parametrize("chosen", COMBINATIONS.values(), ids=COMBINATIONS)
def test_every_container_is_locked_up(chosen: tuple[str, ...]) -> None:
    for document in render(*settings(chosen)).values():
        if document["kind"] not in {"Deployment", "StatefulSet"}:
            continue
        spec = document["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for one in [*spec["containers"], *spec.get("initContainers", [])]:
            own = {k: v for k, v in one["securityContext"].items() if k != "runAsUser"}
            assert own == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert one["resources"]["limits"]["memory"]
            assert one["resources"]["requests"]["cpu"]


def test_the_pod_runs_as_the_image_does() -> None:
    manifests = render(*settings(SQLITE))
    user = str(pod(manifests)["securityContext"]["runAsUser"])
    assert f"USER {user}:{user}\n" in DOCKERFILE
    mounts = {mount["mountPath"] for mount in container(manifests)["volumeMounts"]}
    assert {"/var/lib/rightsizer", "/etc/rightsizer/policies"} <= mounts
    (port,) = container(manifests)["ports"]
    assert f"EXPOSE {port['containerPort']}\n" in DOCKERFILE
    assert manifests["Service"]["spec"]["ports"][0]["port"] == port["containerPort"]


def test_two_replicas_share_a_journal_and_one_acts() -> None:
    manifests = render()
    assert manifests["Deployment"]["spec"]["replicas"] == 2
    given = variables(manifests)
    assert given["RIGHTSIZER_STORE"] == "dynamodb://rightsizer?region=eu-west-1"
    assert given["RIGHTSIZER_LEASE"] == "kubernetes"
    assert pod(manifests)["automountServiceAccountToken"] is True
    assert manifests["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_a_file_has_one_writer_and_needs_nothing_of_kubernetes() -> None:
    manifests = render(*settings(SQLITE))
    assert manifests["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert "RIGHTSIZER_LEASE" not in variables(manifests)
    assert pod(manifests)["automountServiceAccountToken"] is False
    assert "Role" not in manifests
    assert "PersistentVolumeClaim" in manifests


def test_whoever_asks_a_listener_with_a_certificate_asks_it_by_https() -> None:
    plain, secure = render(), render(*settings(EVERYTHING))
    for manifests, scheme in ((plain, "HTTP"), (secure, "HTTPS")):
        asked = container(manifests)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert asked[probe]["httpGet"].get("scheme", "HTTP") == scheme, probe
    given = variables(secure)
    mounts = {mount["mountPath"] for mount in container(secure)["volumeMounts"]}
    for name in ("RIGHTSIZER_TLS_CERT", "RIGHTSIZER_TLS_KEY"):
        assert given[name].rpartition("/")[0] in mounts
    (scraped,) = secure["ServiceMonitor"]["spec"]["endpoints"]
    assert scraped["scheme"] == "https"


def test_shards_may_keep_their_leases_and_no_others() -> None:
    manifests = render(*settings(("shards=3",)))
    assert manifests["StatefulSet"]["spec"]["replicas"] == 3
    assert manifests["Service"]["spec"]["clusterIP"] == "None"
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    others = range(1, schema["properties"]["shards"]["maximum"])
    for number in (1, 3):
        changing = render(*settings((f"shards={number}",)))["Role"]["rules"][1]
        assert changing["verbs"] == ["get", "update"]
        # those of a larger number that was before must be seen to end
        assert changing["resourceNames"] == ["rightsizer", *(f"rightsizer-{n}" for n in others)]


def test_probes_take_the_larger_image() -> None:
    manifests = render(*settings(("probes.workers=2", "probes.master=m:5557")))
    workers = manifests["Deployment/rightsizer-probe-workers"]["spec"]
    (worker,) = workers["template"]["spec"]["containers"]
    assert worker["image"] == f"rightsizer-probe:{controller.__version__}"
    assert worker["args"] == ["m", "5557"]
    assert container(manifests)["image"] == f"rightsizer:{controller.__version__}"
    assert "AS probe\n" in DOCKERFILE
    pinned = pod(render(*settings(EVERYTHING)))["containers"][0]["image"]
    assert pinned == "rightsizer-probe@sha256:" + "b" * 64, "the daemon's digest is another image's"


def test_its_policies_are_valid_and_only_recommend(tmp_path: Any) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(render()["ConfigMap"]["data"]["policies.yaml"], "utf-8")
    policies, warnings = load_with_warnings([file])
    assert not warnings
    assert {policy.mode for policy in policies.policies} == {Mode.RECOMMEND}


def test_versions_are_the_program_s() -> None:
    chart = YAML_SAFE.load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["version"] == chart["appVersion"] == controller.__version__


def test_the_base_is_the_chart_with_its_defaults() -> None:
    """By content, file for file: what `kubectl apply -k` sends is what `helm install` sends."""
    writer = tool("kubernetes-base")
    base = DEPLOY / "kubernetes"
    wanted = writer.base()
    assert sorted(path.name for path in base.glob("*.yaml")) == sorted(wanted)
    for name, text in wanted.items():
        written = YAML_SAFE.load((base / name).read_text("utf-8"))
        assert written == YAML_SAFE.load(text), f"run `make docs`: {name}"
    listed = YAML_SAFE.load(wanted["kustomization.yaml"])["resources"]
    assert sorted(listed) == sorted(set(wanted) - {"kustomization.yaml"})


def test_its_alerts_are_those_of_its_policies() -> None:
    writer = tool("kubernetes-base")
    kept = (CHART / "files/rules.yaml").read_text("utf-8")
    assert kept == writer.default_rules(), "run `make docs`"
    rule = render("--set", "prometheusRule.enabled=true")["PrometheusRule"]
    assert rule["spec"]["groups"] == YAML_SAFE.load(kept)["groups"]


def test_yaml_is_tidy() -> None:
    done = subprocess.run(
        [BIN / "yamllint", "--strict", "-c", REPOSITORY / ".yamllint.yaml", "deploy", "policies"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
