"""What can be scaled: each dimension, how its resource is found, read and changed.

Facts: a variant's instance count is at least 1 and burstable ml.t2 cannot be scaled; a
serverless variant can be scaled only where it has provisioned concurrency; a function's
provisioned concurrency belongs to an alias or a version, not to `$LATEST`; nothing can be
scaled while its endpoint is Updating.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from controller.sandbox import sagemaker_scaling
from controller.sandbox.lambda_concurrency_api import delete_provisioned, put_provisioned
from controller.sandbox.sagemaker_state import IN_SERVICE, Endpoint, Variant, sagemaker_of
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

INSTANCE_COUNT = "sagemaker:variant:DesiredInstanceCount"
VARIANT_CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
COPY_COUNT = "sagemaker:inference-component:DesiredCopyCount"
FUNCTION_CONCURRENCY = "lambda:function:ProvisionedConcurrency"


class Outcome(StrEnum):
    """What has become of a change that was asked for."""

    RUNNING = "InProgress"
    DONE = "Successful"
    OVERRIDDEN = "Overridden"
    FAILED = "Failed"


class Resource(Protocol):
    """One scalable capacity of one thing, looked at now."""

    def problem(self) -> str | None:
        """Why it cannot be registered; None where it can."""

    def capacity(self) -> int | None:
        """What was last asked for; None where the thing is gone."""

    def ready(self) -> bool:
        """Whether it can be changed now."""

    def set(self, capacity: int) -> None:
        """Ask for another capacity. Raises AwsError."""

    def outcome(self, capacity: int) -> Outcome:
        """What has become of asking for a capacity."""


@dataclass(frozen=True, slots=True)
class _VariantResource:
    """What the two dimensions of an endpoint's variant share."""

    world: World
    account: str
    region: str
    endpoint: str
    variant: str

    def found(self) -> tuple[Endpoint, Variant] | None:
        """The live variant; None where it is gone."""
        place = sagemaker_of(self.world, self.world.region(self.account, self.region))
        endpoint = place.endpoints.get(self.endpoint)
        live = endpoint.variants.get(self.variant) if endpoint is not None else None
        return None if endpoint is None or live is None else (endpoint, live)

    def missing(self) -> str:
        """The words for a variant that is not there."""
        return f"Could not find endpoint variant endpoint/{self.endpoint}/variant/{self.variant}."

    def ready(self) -> bool:
        """InService."""
        found = self.found()
        return found is not None and found[0].status == IN_SERVICE

    def settled(self, capacity: int, present: int | None) -> Outcome:
        """By what is live once the endpoint is InService again."""
        found = self.found()
        if found is None:
            return Outcome.FAILED
        endpoint, _ = found
        if endpoint.status != IN_SERVICE:
            return Outcome.RUNNING
        if present == capacity:
            return Outcome.DONE
        return Outcome.OVERRIDDEN if endpoint.failure_reason is None else Outcome.FAILED


class InstanceCount(_VariantResource):
    """`sagemaker:variant:DesiredInstanceCount`."""

    def problem(self) -> str | None:
        """Missing, serverless, or ml.t2."""
        found = self.found()
        if found is None:
            return self.missing()
        kind = found[1].instance_type
        if kind is None:
            return f"Variant {self.variant} is serverless and has no instance count to scale."
        if kind.startswith("ml.t2."):
            return f"Autoscaling is not supported for burstable instance type {kind}."
        return None

    def capacity(self) -> int | None:
        """DesiredInstanceCount."""
        found = self.found()
        return None if found is None else found[1].desired_instance_count

    def set(self, capacity: int) -> None:
        """As UpdateEndpointWeightsAndCapacities does."""
        region = self.world.region(self.account, self.region)
        sagemaker_scaling.set_desired_instance_count(
            self.world, region, self.endpoint, self.variant, capacity
        )

    def outcome(self, capacity: int) -> Outcome:
        """Done when so many instances serve."""
        found = self.found()
        return self.settled(capacity, None if found is None else found[1].current_instance_count)


class VariantConcurrency(_VariantResource):
    """`sagemaker:variant:DesiredProvisionedConcurrency`."""

    def problem(self) -> str | None:
        """Missing, or without provisioned concurrency."""
        if self.found() is None:
            return self.missing()
        if self.capacity() is None:
            return f"Variant {self.variant} has no provisioned concurrency to scale."
        return None

    def capacity(self) -> int | None:
        """ProvisionedConcurrency that was last asked for."""
        found = self.found()
        wanted = None if found is None else found[1].desired_serverless
        return None if wanted is None else wanted.provisioned_concurrency

    def set(self, capacity: int) -> None:
        """As UpdateEndpointWeightsAndCapacities does; one environment is the least."""
        region = self.world.region(self.account, self.region)
        sagemaker_scaling.set_desired_provisioned_concurrency(
            self.world, region, self.endpoint, self.variant, max(1, capacity)
        )

    def outcome(self, capacity: int) -> Outcome:
        """Done when so many environments are warm."""
        found = self.found()
        live = None if found is None else found[1].current_serverless
        present = None if live is None else live.provisioned_concurrency
        return self.settled(max(1, capacity), present)


@dataclass(frozen=True, slots=True)
class FunctionConcurrency:
    """`lambda:function:ProvisionedConcurrency` of an alias or a version."""

    world: World
    account: str
    region: str
    function: str
    qualifier: str

    def problem(self) -> str | None:
        """Missing."""
        if self.qualifier == "$LATEST":
            return "Provisioned concurrency cannot be scaled for $LATEST."
        if self.capacity() is None:
            return f"Function not found: function:{self.function}:{self.qualifier}"
        return None

    def capacity(self) -> int | None:
        """What was last requested; 0 where nothing is."""
        function = self.world.region(self.account, self.region).functions.get(self.function)
        if function is None or function.config(self.qualifier) is None:
            return None
        present = function.provisioned.get(self.qualifier)
        return 0 if present is None else present.requested

    def ready(self) -> bool:
        """Not while environments are being allocated."""
        function = self.world.region(self.account, self.region).functions.get(self.function)
        if function is None:
            return False
        present = function.provisioned.get(self.qualifier)
        return present is None or present.status != "IN_PROGRESS"

    def set(self, capacity: int) -> None:
        """Put, or delete for 0."""
        operation = put_provisioned if capacity else delete_provisioned
        principal = f"arn:aws:iam::{self.account}:role/autoscaling"
        ctx = RequestContext(
            "lambda", "PutProvisionedConcurrencyConfig", self.account, self.region, principal,
            self.world.now_s(),
        )  # fmt: skip
        params = {"FunctionName": self.function, "Qualifier": self.qualifier}
        operation(self.world, ctx, params | {"ProvisionedConcurrentExecutions": capacity})

    def outcome(self, capacity: int) -> Outcome:
        """Done when READY."""
        if self.capacity() != capacity:
            return Outcome.OVERRIDDEN
        return Outcome.DONE if self.ready() else Outcome.RUNNING


@dataclass(frozen=True, slots=True)
class _NoComponent:
    """`sagemaker:inference-component:DesiredCopyCount`: there are no components here."""

    name: str

    def problem(self) -> str | None:
        """Always missing."""
        return f"Could not find inference component {self.name}."

    def capacity(self) -> int | None:
        """None."""
        return None

    def ready(self) -> bool:
        """Never."""
        return False

    def set(self, capacity: int) -> None:
        """Raises ValidationException."""
        raise AwsError("ValidationException", f"Could not find inference component {self.name}.")

    def outcome(self, capacity: int) -> Outcome:
        """Failed."""
        return Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Dimension:
    """A scalable dimension. least: the lowest MinCapacity; words: of its activities."""

    name: str
    form: re.Pattern[str]
    make: Callable[[World, str, str, re.Match[str]], Resource]
    least: int
    words: str
    cooldown_s: int
    role: str

    @property
    def namespace(self) -> str:
        """`sagemaker`, `lambda`."""
        return self.name.partition(":")[0]

    def resource(self, world: World, account: str, region: str, resource_id: str) -> Resource:
        """The resource of an id of the dimension's form. Raises 400 for another form."""
        match = self.form.fullmatch(resource_id)
        if match is None:
            raise AwsError("ValidationException",
                           "Unsupported service namespace, resource type or scalable "
                           "dimension")  # fmt: skip
        return self.make(world, account, region, match)


_VARIANT = re.compile(r"endpoint/(?P<endpoint>[^/]+)/variant/(?P<variant>[^/]+)")
_FUNCTION = re.compile(r"function:(?P<function>[^:]+):(?P<qualifier>[^:]+)")
_COMPONENT = re.compile(r"inference-component/(?P<name>[^/]+)")
_VARIANT_ROLE = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"

DIMENSIONS: Mapping[str, Dimension] = {
    one.name: one
    for one in (
        Dimension(
            INSTANCE_COUNT, _VARIANT, lambda w, a, r, m: InstanceCount(w, a, r, *m.groups()),
            1, "desired instance count", 300, _VARIANT_ROLE,
        ),
        Dimension(
            VARIANT_CONCURRENCY, _VARIANT,
            lambda w, a, r, m: VariantConcurrency(w, a, r, *m.groups()),
            0, "desired provisioned concurrency", 300, _VARIANT_ROLE,
        ),
        Dimension(
            COPY_COUNT, _COMPONENT, lambda w, a, r, m: _NoComponent(m["name"]),
            0, "desired copy count", 300,
            "AWSServiceRoleForApplicationAutoScaling_SageMakerInferenceComponents",
        ),
        Dimension(
            FUNCTION_CONCURRENCY, _FUNCTION,
            lambda w, a, r, m: FunctionConcurrency(w, a, r, *m.groups()),
            0, "provisioned concurrency", 0,
            "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency",
        ),
    )
}  # fmt: skip
