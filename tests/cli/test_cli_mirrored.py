"""`rightsizer probe --mirrored` from end to end against the sandbox, and what it refuses."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_shell import NOW_S, Shell, WorldClock

from controller.cli.plan_views import probe_words
from controller.model.probe import Mirroring, ProbeKind, ProbeOrder
from controller.model.size import RealtimeSize
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.sagemaker_state import SageMakerPlace, sagemaker_of
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

pytestmark = pytest.mark.slow

POLICY = """\
apiVersion: rightsizer.dev/v1alpha1
kind: RightsizingPolicy
metadata: {name: ranker}
spec:
  target: {kind: realtime_endpoint, name: ranker, region: us-east-1}
  slo: {latency: {threshold: 400ms}}
  mode: Enforce
  probe: {shadow: {mirrored: true}}
"""
RANKER: dict[str, Any] = {
    "name": "ranker",
    "instance_type": "ml.c5.xlarge",
    "instance_count": 3,
    "age_days": 1,
    "unchanged_days": 1,
    "workload": {
        "machines": {"work_ms": 55.0, "fixed_ms": 3.0, "cores": 2.0},
        "traffic": {"rps": 6.0},
    },
}


class Desk:
    """One account over HTTP, and the command in it."""

    def __init__(self, folder: Path, endpoint: dict[str, Any]) -> None:
        self.world = World(seed=3, start_s=NOW_S)
        seed_world(self.world, {"region": "us-east-1", "endpoints": [endpoint]})
        self.server = SandboxServer(self.world)
        self.server.start()
        variables = {"RIGHTSIZER_ENDPOINT_URL": self.server.url, "AWS_REGION": "us-east-1"}
        self.shell = Shell(folder / "state" / "journal.db", WorldClock(self.world), variables)
        self.policy = folder / "p.yaml"
        self.policy.write_text(POLICY)

    @property
    def place(self) -> SageMakerPlace:
        """SageMaker as it is."""
        return sagemaker_of(self.world, self.world.region("123456789012", "us-east-1"))

    def probe(self, *more: str, size: str = "ml.c5.large") -> Any:
        """The command, with consent."""
        return self.shell("probe", "ranker", "--policies", self.policy, "--size", size,
                          "--mirrored", "--yes", *more)  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(**changes: Any) -> Desk:
        made.append(Desk(tmp_path, {**RANKER, **changes}))
        return made[-1]

    yield make
    for one in made:
        one.server.stop()


def test_a_type_is_measured_by_users_own_requests(desk: Callable[..., Desk]) -> None:
    at = desk()
    before = at.place.endpoints["ranker"].config_name, set(at.place.configs)
    assert "is what serves" in at.probe(size="ml.c5.xlarge").error
    tried = at.probe("--dry-run")
    assert "100% of users' requests are copied to it for 20 minutes" in tried.err
    assert "about 0.056 USD" in tried.err
    assert set(at.place.configs) == before[1]
    assert "may cost 0.01" in at.probe("--max-usd", "0.01").error

    done = at.probe()
    assert done.code == 0, done.err
    assert "mirrored to 1 x ml.c5.large: Succeeded" in done.out
    (probe,) = at.shell("get", "probes", "-o", "json").document["items"]
    assert (probe["probe"], probe["outcome"]) == ("Mirrored", "Succeeded")
    assert probe["usd"] == pytest.approx(probe["usdEstimated"], rel=0.1)
    assert probe["p95Ms"] == pytest.approx(62.5, rel=0.1)
    assert (at.place.endpoints["ranker"].config_name, set(at.place.configs)) == before


def test_what_is_in_the_way_is_said(desk: Callable[..., Desk]) -> None:
    at = desk(shadow={"instance_type": "ml.c5.large", "instance_count": 1})
    assert "a shadow variant gets a copy of its traffic" in at.probe().error
    at.policy.write_text(POLICY.replace("mirrored: true", "allowed: false"))
    assert "for example [{inline" in at.probe().err
    assert "rightsizer-" not in str(set(at.place.configs))


def test_a_plan_says_what_would_be_mirrored() -> None:
    mirror = Mirroring(0.3333, 1, 1500.0)
    size = RealtimeSize("ml.c5.large", 1, 1)
    words = probe_words(ProbeOrder(ProbeKind.MIRRORED, size, (), 0, 0.056, mirror=mirror))
    share = "33% of users' requests for 25 minutes"
    assert words.startswith(f"would mirror {share} to 1 x ml.c5.large first: about 0.056 USD")
