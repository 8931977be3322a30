"""What the generator is told: the plan of a probe as a file.

The file holds payloads and names, never credentials: the generator finds those by itself, as
botocore does everywhere (environment, profile, container, machine role).
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controller.model.endpoint import Kind
from controller.model.policy import Scope
from controller.model.probe import Body, ProbePlan
from controller.model.probing import Expect, Phase, StopRules

VERSION = 1
LAMBDA = "lambda"
SAGEMAKER = "sagemaker"


@dataclass(frozen=True, slots=True)
class Order:
    """A plan as the generator needs it."""

    service: str
    """`lambda` or `sagemaker`: what requests are signed for."""
    scope: Scope
    name: str
    qualifier: str | None
    variant: str | None
    bodies: tuple[Body, ...]
    phases: tuple[Phase, ...]
    warm_up: int
    max_in_flight: int
    stop: StopRules
    time_limit_s: float
    """Since the process was started."""
    seed: int
    locustfile: str | None = None

    @property
    def duration_s(self) -> float:
        """Length of all phases."""
        return sum(phase.duration_s for phase in self.phases)


def order_of(plan: ProbePlan) -> Order:
    """The generator's part of a plan."""
    target = plan.target
    is_function = target.key.kind is Kind.LAMBDA_FUNCTION
    return Order(
        service=LAMBDA if is_function else SAGEMAKER,
        scope=target.scope,
        name=target.name,
        qualifier=target.qualifier,
        variant=target.variant,
        bodies=plan.bodies,
        phases=plan.phases,
        warm_up=plan.warm_up,
        max_in_flight=plan.max_in_flight,
        stop=plan.stop,
        time_limit_s=plan.time_limit_s,
        seed=plan.seed,
        locustfile=None if plan.locustfile is None else str(Path(plan.locustfile).absolute()),
    )


def write_order(order: Order) -> str:
    """As JSON; payloads in base64."""
    document = asdict(order)
    for body in document["bodies"]:
        body["content"] = base64.b64encode(body["content"]).decode("ascii")
    return json.dumps({"version": VERSION, **document})


def read_order(text: str) -> Order:
    """What `write_order` wrote. Raises ValueError where another version wrote it."""
    document = json.loads(text)
    if document.pop("version", None) != VERSION:
        raise ValueError("the plan was written by another version of the program")
    document["scope"] = Scope(**document["scope"])
    document["phases"] = tuple(Phase(**phase) for phase in document["phases"])
    document["stop"] = StopRules(**document["stop"])
    document["bodies"] = tuple(_body(body) for body in document["bodies"])
    return Order(**document)


def _body(document: Mapping[str, Any]) -> Body:
    expect = document["expect"]
    if expect is not None:
        expect = Expect(**{**expect, "json_has": tuple(expect["json_has"])})
    content = base64.b64decode(document["content"])
    return Body(**{**document, "content": content, "expect": expect})
