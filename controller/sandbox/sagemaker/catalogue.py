"""Instance types for endpoints: vCPU, memory, accelerators, speed, US dollars an hour.

Prices are on demand in us-east-1. A bigger number is not always dearer: ml.g5.16xlarge has
one GPU, ml.g5.12xlarge four. Types that the API's enum has but that are not priced here can
be named and have no products, as in AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_VCPUS: Mapping[str, int] = {
    "medium": 2, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "6xlarge": 24,
    "8xlarge": 32, "9xlarge": 36, "12xlarge": 48, "16xlarge": 64, "18xlarge": 72,
    "24xlarge": 96, "32xlarge": 128, "48xlarge": 192,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One type. speed: of one vCPU beside ml.c5's; accelerator: gpu, inferentia or empty."""

    name: str
    family: str
    vcpus: int
    memory_gib: float
    usd_per_hour: float
    speed: float
    arm: bool = False
    nvme: bool = False
    accelerator: str = ""
    accelerators: int = 0
    accelerator_speed: float = 1.0
    """Of one accelerator beside the T4 of ml.g4dn."""


@dataclass(frozen=True, slots=True)
class _Family:
    """gib: of memory for each vCPU; chips: accelerators by size."""

    name: str
    gib: float
    speed: float
    prices: Mapping[str, float]
    arm: bool = False
    nvme: bool = False
    accelerator: str = ""
    chips: Mapping[str, int] | None = None
    chip_speed: float = 1.0


_FAMILIES = (
    _Family("t2", 4.0, 0.85, {"medium": 0.056, "large": 0.111, "xlarge": 0.223, "2xlarge": 0.445}),
    _Family("m5", 4.0, 0.95, {
        "large": 0.115, "xlarge": 0.23, "2xlarge": 0.461, "4xlarge": 0.922, "12xlarge": 2.765,
        "24xlarge": 5.53}),
    _Family("m5d", 4.0, 0.95, {
        "large": 0.136, "xlarge": 0.271, "2xlarge": 0.542, "4xlarge": 1.085, "12xlarge": 3.254,
        "24xlarge": 6.509}, nvme=True),
    _Family("m6g", 4.0, 1.0, {
        "large": 0.0924, "xlarge": 0.1848, "2xlarge": 0.3696, "4xlarge": 0.7392,
        "8xlarge": 1.4784, "12xlarge": 2.2176, "16xlarge": 2.9568}, arm=True),
    _Family("m7i", 4.0, 1.3, {
        "large": 0.121, "xlarge": 0.242, "2xlarge": 0.484, "4xlarge": 0.968, "8xlarge": 1.935,
        "12xlarge": 2.903, "16xlarge": 3.871, "24xlarge": 5.806, "48xlarge": 11.612}),
    _Family("c5", 2.0, 1.0, {
        "large": 0.102, "xlarge": 0.204, "2xlarge": 0.408, "4xlarge": 0.816, "9xlarge": 1.836,
        "18xlarge": 3.672}),
    _Family("c5d", 2.0, 1.0, {
        "large": 0.115, "xlarge": 0.23, "2xlarge": 0.461, "4xlarge": 0.922, "9xlarge": 2.074,
        "18xlarge": 4.147}, nvme=True),
    _Family("c6g", 2.0, 1.0, {
        "large": 0.0816, "xlarge": 0.1632, "2xlarge": 0.3264, "4xlarge": 0.6528,
        "8xlarge": 1.3056, "12xlarge": 1.9584, "16xlarge": 2.6112}, arm=True),
    _Family("c6i", 2.0, 1.15, {
        "large": 0.102, "xlarge": 0.204, "2xlarge": 0.408, "4xlarge": 0.816, "8xlarge": 1.632,
        "12xlarge": 2.448, "16xlarge": 3.264, "24xlarge": 4.896, "32xlarge": 6.528}),
    _Family("c7g", 2.0, 1.25, {
        "large": 0.087, "xlarge": 0.174, "2xlarge": 0.348, "4xlarge": 0.696, "8xlarge": 1.392,
        "12xlarge": 2.088, "16xlarge": 2.784}, arm=True),
    _Family("c7i", 2.0, 1.3, {
        "large": 0.107, "xlarge": 0.214, "2xlarge": 0.428, "4xlarge": 0.857, "8xlarge": 1.714,
        "12xlarge": 2.57, "16xlarge": 3.427, "24xlarge": 5.141, "48xlarge": 10.282}),
    _Family("r5", 8.0, 0.95, {
        "large": 0.151, "xlarge": 0.302, "2xlarge": 0.605, "4xlarge": 1.21, "12xlarge": 3.629,
        "24xlarge": 7.258}),
    _Family("r7i", 8.0, 1.3, {
        "large": 0.159, "xlarge": 0.318, "2xlarge": 0.635, "4xlarge": 1.27, "8xlarge": 2.54,
        "12xlarge": 3.81, "16xlarge": 5.08, "24xlarge": 7.62, "48xlarge": 15.241}),
    _Family("g4dn", 4.0, 0.95, {
        "xlarge": 0.736, "2xlarge": 0.94, "4xlarge": 1.505, "8xlarge": 2.72, "12xlarge": 4.89,
        "16xlarge": 5.44}, nvme=True, accelerator="gpu", chips={"12xlarge": 4}),
    _Family("g5", 4.0, 1.0, {
        "xlarge": 1.408, "2xlarge": 1.515, "4xlarge": 2.03, "8xlarge": 3.06, "12xlarge": 7.09,
        "16xlarge": 5.12, "24xlarge": 10.18, "48xlarge": 20.36}, nvme=True, accelerator="gpu",
        chips={"12xlarge": 4, "24xlarge": 4, "48xlarge": 8}, chip_speed=2.4),
    _Family("g6", 4.0, 1.1, {
        "xlarge": 1.1267, "2xlarge": 1.222, "4xlarge": 1.654, "8xlarge": 2.518,
        "12xlarge": 5.752, "16xlarge": 4.246, "24xlarge": 8.344, "48xlarge": 16.688}, nvme=True,
        accelerator="gpu", chips={"12xlarge": 4, "24xlarge": 4, "48xlarge": 8}, chip_speed=2.0),
    _Family("p3", 7.625, 0.9, {"2xlarge": 3.825, "8xlarge": 14.688, "16xlarge": 28.152},
            accelerator="gpu", chips={"8xlarge": 4, "16xlarge": 8}, chip_speed=2.8),
    _Family("p4d", 12.0, 1.0, {"24xlarge": 25.2512883}, nvme=True, accelerator="gpu",
            chips={"24xlarge": 8}, chip_speed=7.0),
    _Family("p5", 10.667, 1.2, {"48xlarge": 63.296}, nvme=True, accelerator="gpu",
            chips={"48xlarge": 8}, chip_speed=15.0),
    _Family("inf1", 2.0, 0.95, {
        "xlarge": 0.297, "2xlarge": 0.434, "6xlarge": 1.416, "24xlarge": 5.666},
        accelerator="inferentia", chips={"6xlarge": 4, "24xlarge": 16}, chip_speed=1.2),
    _Family("inf2", 4.0, 1.0, {
        "xlarge": 0.99, "8xlarge": 2.36, "24xlarge": 7.79, "48xlarge": 15.58},
        accelerator="inferentia", chips={"24xlarge": 6, "48xlarge": 12}, chip_speed=3.0),
)  # fmt: skip


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Every priced type, by name."""
    found: dict[str, InstanceType] = {}
    for family in _FAMILIES:
        for size, usd_per_hour in family.prices.items():
            name = f"ml.{family.name}.{size}"
            vcpus = _VCPUS[size]
            found[name] = InstanceType(
                name=name,
                family=family.name,
                vcpus=vcpus,
                memory_gib=2.0 * vcpus if name == "ml.t2.medium" else family.gib * vcpus,
                usd_per_hour=usd_per_hour,
                speed=family.speed,
                arm=family.arm,
                nvme=family.nvme,
                accelerator=family.accelerator,
                accelerators=(family.chips or {}).get(size, 1) if family.accelerator else 0,
                accelerator_speed=family.chip_speed,
            )
    return found


# What an ml.c5.xlarge costs in a region beside us-east-1; all types are taken to differ so.
_BESIDE_US_EAST_1: Mapping[str, float] = {
    "us-east-1": 1.0,
    "us-east-2": 1.0,
    "us-west-2": 1.0,
    "eu-west-1": 0.23 / 0.204,
    "eu-central-1": 0.233 / 0.204,
    "ap-southeast-1": 0.235 / 0.204,
    "ap-northeast-1": 0.257 / 0.204,
    "af-south-1": 0.274 / 0.204,
}
SERVERLESS_USD_PER_GB_S = 0.00002
DATA_USD_PER_GB = 0.016


def priced_regions() -> tuple[str, ...]:
    """Regions in which SageMaker has prices."""
    return tuple(_BESIDE_US_EAST_1)


def usd_per_hour(region: str, instance_type: str) -> float | None:
    """An instance's price; None where the sandbox knows none."""
    kind, factor = instance_types().get(instance_type), _BESIDE_US_EAST_1.get(region)
    return None if kind is None or factor is None else round(kind.usd_per_hour * factor, 7)


def serverless_usd_per_gb_s(region: str) -> float | None:
    """A serverless variant's price; None where the sandbox knows none."""
    return SERVERLESS_USD_PER_GB_S if region in _BESIDE_US_EAST_1 else None
