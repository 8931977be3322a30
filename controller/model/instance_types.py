"""Names of SageMaker hosting instance types: what a policy may name, and what is told by a name.

The names are those of `ProductionVariantInstanceType` in the service model of SageMaker (API
version 2017-07-24). A name in the list need not be sold in a region: only a price tells that.
Types are ordered neither by name nor by price: ml.g5.16xlarge costs less than ml.g5.12xlarge.
"""

from collections.abc import Mapping
from types import MappingProxyType

_TO_24 = "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge"
_TO_16 = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"
_TO_32 = f"{_TO_16} 24xlarge 32xlarge"
_TO_48 = f"{_TO_16} 24xlarge 48xlarge"
_TO_18 = "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge"
_GPU_48 = "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge"

_SIZES = {
    "t2": "medium large xlarge 2xlarge",
    "m4": "xlarge 2xlarge 4xlarge 10xlarge 16xlarge",
    "m5": _TO_24,
    "m5d": _TO_24,
    "m6g": _TO_16,
    "m6gd": _TO_16,
    "m6i": _TO_32,
    "m7i": _TO_48,
    "m8g": f"medium {_TO_48}",
    "c4": "large xlarge 2xlarge 4xlarge 8xlarge",
    "c5": _TO_18,
    "c5d": _TO_18,
    "c6g": _TO_16,
    "c6gd": _TO_16,
    "c6gn": _TO_16,
    "c6i": _TO_32,
    "c6in": _TO_32,
    "c7g": _TO_16,
    "c7i": _TO_48,
    "c8g": f"medium {_TO_48}",
    "r5": _TO_24,
    "r5d": _TO_24,
    "r6g": _TO_16,
    "r6gd": _TO_16,
    "r6i": _TO_32,
    "r7gd": f"medium {_TO_16}",
    "r7i": _TO_48,
    "r8g": f"medium {_TO_48}",
    "g4dn": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "g5": _GPU_48,
    "g6": _GPU_48,
    "g6e": _GPU_48,
    "g7": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
    "g7e": "2xlarge 4xlarge 8xlarge 12xlarge 24xlarge 48xlarge",
    "p2": "xlarge 8xlarge 16xlarge",
    "p3": "2xlarge 8xlarge 16xlarge",
    "p4d": "24xlarge",
    "p4de": "24xlarge",
    "p5": "4xlarge 48xlarge",
    "p5e": "48xlarge",
    "p5en": "48xlarge",
    "p6-b200": "48xlarge",
    "p6-b300": "48xlarge",
    "p6e-gb200": "36xlarge",
    "dl1": "24xlarge",
    "inf1": "xlarge 2xlarge 6xlarge 24xlarge",
    "inf2": "xlarge 8xlarge 24xlarge 48xlarge",
    "trn1": "2xlarge 32xlarge",
    "trn1n": "32xlarge",
    "trn2": "48xlarge",
}

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        family: tuple(f"ml.{family}.{size}" for size in sizes.split())
        for family, sizes in _SIZES.items()
    }
)
"""Types by family (`c5`), in order of their size within it."""

KNOWN_TYPES: frozenset[str] = frozenset(name for names in FAMILIES.values() for name in names)

GRAVITON = frozenset(
    "m6g m6gd m8g c6g c6gd c6gn c7g c8g r6g r6gd r7gd r8g".split()  # noqa: SIM905
)
"""Families with arm64 processors: an image for x86_64 does not run on them."""

ACCELERATED = frozenset(
    "g4dn g5 g6 g6e g7 g7e p2 p3 p4d p4de p5 p5e p5en p6-b200 p6-b300 p6e-gb200 dl1"  # noqa: SIM905
    " inf1 inf2 trn1 trn1n trn2".split()
)
"""Families with GPUs or other accelerators: a container must have been built for them."""

BURSTABLE = frozenset({"t2"})
"""Families on CPU credits; Application Auto Scaling does not support them."""


def family_of(instance_type: str) -> str:
    """`c5` of `ml.c5.xlarge`; empty for a text that is no such name."""
    parts = instance_type.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == "ml" else ""


def is_burstable(instance_type: str) -> bool:
    """Whether the type lives on CPU credits."""
    return family_of(instance_type) in BURSTABLE


def needs_a_build(instance_type: str) -> bool:
    """Whether an image made for plain x86_64 processors does not run, or gains nothing, there:
    such a type is a candidate only where a policy names it."""
    return family_of(instance_type) in GRAVITON | ACCELERATED
