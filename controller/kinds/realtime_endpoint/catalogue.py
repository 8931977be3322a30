"""Hosting instance types: what is known of each without having measured anything.

vCPUs and memory are those of the EC2 types of the same name (public facts); speeds are those
of one vCPU beside ml.c5's, by processor generation, and say no more than which way another
type is likely to differ. Prices are not here: they come from the price list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Accelerator(StrEnum):
    """What computes beside the CPU."""

    GPU = "gpu"
    INFERENTIA = "inferentia"


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One hosting instance type."""

    name: str
    family: str
    vcpus: int
    memory_gib: float
    speed: float
    """Of one vCPU, beside ml.c5's."""
    architecture: str = "x86_64"
    local_nvme: bool = False
    """AWS refuses a volume key (KmsKeyId) on such types."""
    accelerator: Accelerator | None = None
    accelerators: int = 0
    accelerator_gib: float = 0.0
    """Memory of one accelerator."""

    @property
    def at_once(self) -> int:
        """What computes side by side: accelerators where there are any, else vCPUs."""
        return self.vcpus if self.accelerator is None else max(1, self.accelerators)

    @property
    def memory_mb(self) -> int:
        """Memory of the instance."""
        return round(self.memory_gib * 1024.0)


@dataclass(frozen=True, slots=True)
class _Family:
    name: str
    gib_per_vcpu: float
    speed: float
    sizes: str
    architecture: str = "x86_64"
    local_nvme: bool = False
    accelerator: Accelerator | None = None
    accelerator_gib: float = 0.0
    chips: tuple[tuple[str, int], ...] = ()
    """Accelerators where a size has more than one."""


_VCPUS = {
    "medium": 1,
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "6xlarge": 24,
    "8xlarge": 32,
    "9xlarge": 36,
    "10xlarge": 40,
    "12xlarge": 48,
    "16xlarge": 64,
    "18xlarge": 72,
    "24xlarge": 96,
    "32xlarge": 128,
    "48xlarge": 192,
}
_ODD_VCPUS = {"ml.t2.medium": 2, "ml.c4.8xlarge": 36}
_ODD_GIB = {
    "ml.c4.large": 3.75,
    "ml.c4.xlarge": 7.5,
    "ml.c4.2xlarge": 15.0,
    "ml.c4.4xlarge": 30.0,
    "ml.c4.8xlarge": 60.0,
    "ml.t2.medium": 4.0,
    "ml.t2.large": 8.0,
    "ml.t2.xlarge": 16.0,
    "ml.t2.2xlarge": 32.0,
    "ml.inf2.24xlarge": 384.0,
}
_24 = "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge"
_16 = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"
_48 = f"{_16} 24xlarge 48xlarge"
_18 = "large xlarge 2xlarge 4xlarge 9xlarge 18xlarge"
_GPU = "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"
_GPU_48 = f"{_GPU} 24xlarge 48xlarge"
_G_CHIPS = (("12xlarge", 4), ("24xlarge", 4), ("48xlarge", 8))
_GPU_KIND, _NEURON = Accelerator.GPU, Accelerator.INFERENTIA

_FAMILIES = (
    _Family("t2", 4.0, 0.75, "medium large xlarge 2xlarge"),
    _Family("m4", 4.0, 0.8, "xlarge 2xlarge 4xlarge 10xlarge 16xlarge"),
    _Family("m5", 4.0, 0.95, _24),
    _Family("m5d", 4.0, 0.95, _24, local_nvme=True),
    _Family("m6g", 4.0, 1.0, _16, "arm64"),
    _Family("m6i", 4.0, 1.15, f"{_16} 24xlarge 32xlarge"),
    _Family("m7i", 4.0, 1.3, _48),
    _Family("c4", 1.875, 0.85, "large xlarge 2xlarge 4xlarge 8xlarge"),
    _Family("c5", 2.0, 1.0, _18),
    _Family("c5d", 2.0, 1.0, _18, local_nvme=True),
    _Family("c6g", 2.0, 1.0, _16, "arm64"),
    _Family("c6gd", 2.0, 1.0, _16, "arm64", local_nvme=True),
    _Family("c6gn", 2.0, 1.0, _16, "arm64"),
    _Family("c6i", 2.0, 1.15, f"{_16} 24xlarge 32xlarge"),
    _Family("c7g", 2.0, 1.2, f"medium {_16}", "arm64"),
    _Family("c7i", 2.0, 1.3, _48),
    _Family("r5", 8.0, 0.95, _24),
    _Family("r5d", 8.0, 0.95, _24, local_nvme=True),
    _Family("r6g", 8.0, 1.0, _16, "arm64"),
    _Family("r7i", 8.0, 1.3, _48),
    _Family(
        "g4dn", 4.0, 0.95, _GPU, "x86_64", True, _GPU_KIND, 16.0,
        (("12xlarge", 4),),
    ),
    _Family("g5", 4.0, 1.0, _GPU_48, "x86_64", True, _GPU_KIND, 24.0, _G_CHIPS),
    _Family("g6", 4.0, 1.1, _GPU_48, "x86_64", True, _GPU_KIND, 24.0, _G_CHIPS),
    _Family("g6e", 8.0, 1.1, _GPU_48, "x86_64", True, _GPU_KIND, 48.0, _G_CHIPS),
    _Family(
        "p3", 7.625, 0.9, "2xlarge 8xlarge 16xlarge", "x86_64", False, _GPU_KIND, 16.0,
        (("8xlarge", 4), ("16xlarge", 8)),
    ),
    _Family(
        "p4d", 12.0, 1.0, "24xlarge", "x86_64", True, _GPU_KIND, 40.0,
        (("24xlarge", 8),),
    ),
    _Family(
        "inf1", 2.0, 0.95, "xlarge 2xlarge 6xlarge 24xlarge", "x86_64", False, _NEURON,
        8.0, (("6xlarge", 4), ("24xlarge", 16)),
    ),
    _Family(
        "inf2", 4.0, 1.0, "xlarge 8xlarge 24xlarge 48xlarge", "x86_64", False, _NEURON,
        32.0, (("24xlarge", 6), ("48xlarge", 12)),
    ),
)  # fmt: skip


def _types(family: _Family) -> dict[str, InstanceType]:
    found = {}
    for size in family.sizes.split():
        name = f"ml.{family.name}.{size}"
        vcpus = _ODD_VCPUS.get(name, _VCPUS[size])
        chips = 0 if family.accelerator is None else dict(family.chips).get(size, 1)
        found[name] = InstanceType(
            name,
            family.name,
            vcpus,
            _ODD_GIB.get(name, vcpus * family.gib_per_vcpu),
            family.speed,
            family.architecture,
            family.local_nvme,
            family.accelerator,
            chips,
            family.accelerator_gib,
        )
    return found


TYPES: Mapping[str, InstanceType] = MappingProxyType(
    {name: kind for family in _FAMILIES for name, kind in _types(family).items()}
)
"""By name. A type that is not here is known by its name and its measurements alone."""
