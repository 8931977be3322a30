"""Serverless endpoints under the real controller, in virtual time."""

from dataclasses import replace
from typing import Any

from virtual_account import ACCOUNT, REGION, Account, policy

from controller.model.change import Change
from controller.model.decision import Assessment
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, Kind
from controller.model.policy import Policy, Scope, Target
from controller.sandbox.sagemaker_state import Endpoint, SageMakerPlace, sagemaker_of


def endpoint(
    name: str,
    memory_mb: int,
    *,
    max_concurrency: int = 20,
    rps: float = 3.0,
    fixed_ms: float = 20.0,
    work: float = 60_000.0,
    saturation_mb: float = 1769.0,
    memory_used_mb: float = 700.0,
    age_days: float = 4.0,
    seed: dict[str, Any] | None = None,
    **workload: Any,
) -> dict[str, Any]:
    """An endpoint whose mean latency is fixed_ms + work / memory in MB, as a seeding document;
    `seed` are further members of it."""
    return {
        "name": name,
        "memory_mb": memory_mb,
        "max_concurrency": max_concurrency,
        "age_days": age_days,
        **(seed or {}),
        "workload": {
            "traffic": {"rps": rps},
            "curve": {"a_ms": fixed_ms, "b": work, "p": 1.0, "saturation_mb": saturation_mb},
            "memory_mb": memory_used_mb,
            **workload,
        },
    }


def serverless_policy(name: str, threshold_ms: float, **changes: Any) -> Policy:
    """An enforcing policy for one endpoint."""
    target = Target(Kind.SERVERLESS_ENDPOINT, Scope(REGION), name=name)
    return replace(policy(name, threshold_ms, **changes), target=target)


def key_of(name: str) -> EndpointKey:
    """The endpoint's key in the simulated account."""
    return EndpointKey(ACCOUNT, REGION, Kind.SERVERLESS_ENDPOINT, name, ALL_TRAFFIC)


class ServerlessAccount(Account):
    """A world of serverless endpoints, and one controller process at a time in it."""

    def __init__(
        self,
        endpoints: list[dict[str, Any]],
        policies: list[Policy],
        *,
        extra: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__([], policies, extra={"endpoints": endpoints, **(extra or {})}, **options)

    @property
    def place(self) -> SageMakerPlace:
        """SageMaker of the account."""
        return sagemaker_of(self.world, self.world.region(ACCOUNT, REGION))

    def live(self, name: str) -> Endpoint:
        """The endpoint, asked of the world and not of the controller."""
        return self.place.endpoints[name]

    def size(self, name: str) -> tuple[int, int]:
        """(memory in MB, maximum concurrency) that are live."""
        (variant,) = self.live(name).variants.values()
        assert variant.current_serverless is not None
        return variant.current_serverless.memory_mb, variant.current_serverless.max_concurrency

    def assessed(self, name: str) -> Assessment:
        """The newest assessment of an endpoint."""
        found = self.app.recorder.last(key_of(name))
        assert found is not None, f"{name} was never assessed"
        return found

    def changes_of(self, name: str) -> list[Change]:
        """An endpoint's journal, oldest first."""
        return list(reversed(self.app.store.changes(key_of(name))))

    def settled(self) -> bool:
        """Whether there was a change, and none is open."""
        changes = self.app.store.changes()
        return bool(changes) and not changes[0].phase.open
