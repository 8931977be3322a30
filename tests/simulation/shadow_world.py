"""The makers of shadows in the simulated account, one process after the other on one journal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serverless_account import endpoint as serverless
from virtual_account import ACCOUNT, MODELS, REGION, KillSwitch, function

from controller.aws.sessions import Connection, Keys, Sessions
from controller.clock import VirtualClock
from controller.kinds.lambda_function.live import LambdaAdapter
from controller.kinds.realtime_endpoint.live import RealtimeAdapter
from controller.kinds.serverless_endpoint.live import ServerlessAdapter
from controller.model.endpoint import EndpointKey, EndpointState, Kind, default_qualifier
from controller.model.errors import AdapterError
from controller.model.policy import Scope
from controller.model.price import HostingPrices
from controller.model.probe import Shadow, ShadowPhase
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size
from controller.ports import KindAdapter, ShadowMaker
from controller.probes.shadow_endpoints import EndpointShadows
from controller.probes.shadow_functions import FunctionShadows
from controller.probes.shadows import Shadows
from controller.sandbox.code_store import fetch
from controller.sandbox.extensions import state_of
from controller.sandbox.front import Front
from controller.sandbox.inprocess_door import attach
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore

SCOPE = Scope(REGION)
LIFETIME_S = 3600.0
STEP_S = 15.0


class Prices:
    """A price list with one row."""

    def lambda_prices(self, region: str, architecture: str) -> Any:
        raise NotImplementedError

    def serverless_prices(self, region: str) -> Any:
        raise NotImplementedError

    def hosting_prices(self, region: str) -> HostingPrices:
        return HostingPrices(region, {"ml.c5.xlarge": 0.23}, 0.0, "bundled")


@dataclass(frozen=True)
class Source:
    """An endpoint to copy, and the size to measure."""

    kind: Kind
    seed: Mapping[str, Any]
    size: Size

    @property
    def key(self) -> EndpointKey:
        return EndpointKey(ACCOUNT, REGION, self.kind, "s", self.qualifier)

    @property
    def qualifier(self) -> str:
        return "live" if self.kind is Kind.LAMBDA_FUNCTION else default_qualifier(self.kind)


TAGS = {"team": "ml"}
REALTIME = {
    "name": "s",
    "instance_type": "ml.c5.large",
    "instance_count": 2,
    "tags": TAGS,
    "config": {
        "DataCaptureConfig": {
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://capture",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        }
    },
    "workload": {
        "traffic": {"rps": 3.0},
        "machines": {
            "table": {
                "ml.c5.large": {"service_ms": 25.0, "servers": 2},
                "ml.c5.xlarge": {"service_ms": 20.0, "servers": 4},
            }
        },
    },
}
SOURCES = {
    "function": Source(
        Kind.LAMBDA_FUNCTION,
        {"functions": [function("s", 3008) | {"tags": TAGS, "reserved_concurrency": 50}]},
        LambdaSize(512),
    ),
    "image function": Source(
        Kind.LAMBDA_FUNCTION,
        {"functions": [function("s", 3008) | {"tags": TAGS, "package_type": "Image"}]},
        LambdaSize(512),
    ),
    "serverless endpoint": Source(
        Kind.SERVERLESS_ENDPOINT,
        {
            "endpoints": [serverless("s", 6144, seed={"tags": TAGS})],
            "endpoint_config_lag_s": 20.0,
        },
        ServerlessSize(2048, 20),
    ),
    "real-time endpoint": Source(
        Kind.REALTIME_ENDPOINT,
        {"endpoints": [REALTIME]},
        RealtimeSize("ml.c5.xlarge", 1, 4),
    ),
}


class Journal:
    """The store's port, with a boundary before and after each write about shadows."""

    def __init__(self, store: SqliteStore, switch: Callable[[str], None]) -> None:
        self._store = store
        self._switch = switch

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in {"put_shadow", "forget_shadow"}:
            return method

        def call(row: Any) -> None:
            what = row.phase.value if isinstance(row, Shadow) else ""
            self._switch(f"before {name} {what}")
            method(row)
            self._switch(f"after {name} {what}")

        return call


class ShadowWorld:
    """A world with one source in it."""

    def __init__(
        self,
        source: Source,
        path: Path,
        switch: KillSwitch | None = None,
        world: World | None = None,
    ) -> None:
        self.source = source
        self.switch = KillSwitch() if switch is None else switch
        if world is None:
            world = World(seed=3)
            seed_world(world, dict(source.seed))
        self.world = world
        self.clock = VirtualClock(self.world.now_s(), self.world.advance_to)
        self.faults = state_of(self.world, Front).faults
        self._path = path
        self.before = self.standing()
        self.start()

    def start(self, path: Path | None = None) -> None:
        """A new process, on the same journal or on another."""
        self._path = path or self._path
        self.store = SqliteStore.open(self._path)
        self.sessions = Sessions(
            self.clock,
            Connection(keys=Keys("AKIA123456789012TEST", "secret"), max_attempts=1),
            hook=lambda session: attach(session, self.world),
            models=MODELS,
        )
        self.makers: dict[Kind, ShadowMaker] = {
            Kind.LAMBDA_FUNCTION: FunctionShadows(
                self.sessions, lambda url: fetch(self.world, url)
            ),
        }
        for kind in (Kind.SERVERLESS_ENDPOINT, Kind.REALTIME_ENDPOINT):
            self.makers[kind] = EndpointShadows(self.sessions, Prices(), kind)
        self.shadows = Shadows(Journal(self.store, self.switch), self.makers, self.clock)  # type: ignore[arg-type]

    def adapter(self) -> KindAdapter:
        """What looks at the source."""
        made = {
            Kind.LAMBDA_FUNCTION: LambdaAdapter,
            Kind.SERVERLESS_ENDPOINT: ServerlessAdapter,
            Kind.REALTIME_ENDPOINT: RealtimeAdapter,
        }[self.source.kind]
        return made(self.sessions, self.clock)

    def state(self) -> EndpointState:
        """The source as it is."""
        return self.adapter().observe(SCOPE, self.source.key)

    def begin(self) -> Shadow:
        """A shadow of the source, on record."""
        return self.shadows.begin(self.source.key, SCOPE, self.source.size, LIFETIME_S)

    def made(self) -> Shadow:
        """A shadow that takes requests."""
        state, shadow = self.state(), self.begin()
        for _ in range(200):
            shadow = self.shadows.make(shadow, state)
            if shadow.phase is ShadowPhase.READY:
                return shadow
            self.wait()
        raise AssertionError(f"not made: {shadow}")

    def end(self, shadow: Shadow) -> None:
        """Remove it, step by step."""
        for _ in range(200):
            if self.shadows.end(shadow):
                return
            self.wait()
        raise AssertionError(f"not removed: {self.standing()}")

    def sweep(self, what: Callable[[], Any] | None = None) -> None:
        """Sweep until nothing is left to remove."""
        self.shadows.sweep() if what is None else what()
        for _ in range(200):
            if not self.shadows.sweep().going:
                return
            self.wait()
        raise AssertionError(f"not swept: {self.store.shadows()}")

    def wait(self, seconds: float = STEP_S) -> None:
        """Let the world live."""
        self.clock.advance_to(self.clock.now_s() + seconds)

    def invoke(self, shadow: Shadow) -> Mapping[str, Any]:
        """One request, as a probe sends it."""
        name = self.shadows.target(shadow).name
        if self.source.kind is Kind.LAMBDA_FUNCTION:
            client = self.sessions.client(SCOPE, "lambda")
            return client.invoke(FunctionName=name, Payload=b"{}", LogType="Tail")
        client = self.sessions.client(SCOPE, "sagemaker-runtime")
        return client.invoke_endpoint(EndpointName=name, Body=b"{}")

    def groups(self) -> set[str]:
        """Names of all log groups."""
        return self.world.region(ACCOUNT, REGION).log_groups

    def standing(self) -> set[str]:
        """Everything that there is in the account."""
        region = self.world.region(ACCOUNT, REGION)
        place = sagemaker_of(self.world, region)
        found = {f"function {name}" for name in region.functions}
        for function_ in region.functions.values():
            found |= {f"version {function_.name} {one}" for one in function_.versions}
            found |= {f"alias {function_.name} {one}" for one in function_.aliases}
        found |= {f"endpoint {name}" for name in place.endpoints}
        found |= {f"config {name}" for name in place.configs}
        found |= {f"model {name}" for name in place.models}
        found |= {f"tags {arn}" for arn, tags in place.tags.items() if tags}
        return found | {f"log group {name}" for name in region.log_groups}


def refusal(act: Callable[[], Any]) -> str:
    """The sentence with which something is refused."""
    try:
        act()
    except AdapterError as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("not refused")
