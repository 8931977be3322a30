"""Names of what we make, so that it is found again after a crash, and told from the user's.

A name is made from what is wanted: asking twice makes one thing.
"""

import hashlib

from controller.model.sagemaker import Autoscaling
from controller.model.size import ScheduledBounds

PREFIX = "rightsizer-"
OUR_POLICY = "rightsizer-invocations"
_CONFIG_LENGTH = 63
"""[bc:EndpointConfigName]: letters, digits and single hyphens inside."""


def is_ours(name: str) -> bool:
    """Whether a policy, scheduled action, alarm or config carries our name."""
    return name.startswith(PREFIX)


def config_name(endpoint: str, source: tuple[str, str], instance_type: str, count: int) -> str:
    """The config that an endpoint gets: copied from `source`, with another type and count.

    `source` is a config's name and fingerprint: one name may be given anew.

    >>> config_name("shop", ("shop-v1", "f00d"), "ml.c5.large", 2)
    'rightsizer-shop-c5-large-73830c5d18'
    """
    size = instance_type.removeprefix("ml.").replace(".", "-")
    tail = f"-{size}-{_digest(endpoint, *source, instance_type, str(count))}"
    return f"{PREFIX}{_cut(endpoint, _CONFIG_LENGTH - len(PREFIX) - len(tail))}{tail}"


def alarm_name(config: str, metric: str) -> str:
    """An alarm on the new fleet, for the time of its deployment."""
    return f"{config}-{metric}"


def action_name(bounds: ScheduledBounds) -> str:
    """Our scheduled action for a time of the week: other bounds at that time replace it."""
    return f"{PREFIX}{_digest(bounds.cron, bounds.timezone)}"


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip("-")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:10]


def foreign_action(scaling: Autoscaling) -> str | None:
    """A scheduled action that is not ours: the bounds are its owner's then. Their values move
    with the time of day; what instances are and when more of them start is still ours."""
    return next((one.name for one in scaling.actions if not is_ours(one.name)), None)
