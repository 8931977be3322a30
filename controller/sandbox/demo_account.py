"""A small account to show what the controller does: eight functions, one for each lesson.

| function | lesson |
|---|---|
| checkout-ocr | over-provisioned: 3008 MB, no faster than at 1769, alias `live` |
| invoice-classifier | under-provisioned: 256 MB, bound by CPU, breaks its SLO; arm64, `live` |
| thumbnailer | already right, alias `live` |
| month-end-report | a few requests a day: too quiet to judge |
| webhook-intake | over-provisioned on `$LATEST`, waits for others most of the time |
| product-embedder | fast enough at half the size, but its model needs the memory it has |
| search-rerank | a measured curve; its own release makes it slower after a while |
| fraud-scorer | smaller looks right and is not: a garbage collector takes over below a size |

Their tags (`team`, `env`, `slo-p95-ms`) are what policies select by. All are older than two
weeks, so there is a fortnight of history at the first look.
"""

from typing import Any

from controller.sandbox.demo_endpoints import endpoint_actors, endpoint_sections

HOUR_S = 3600.0
REGRESSION_AFTER_S = 30 * HOUR_S
"""When, after the start, search-rerank's slower release comes."""


def demo_document(*, regression: bool = True, endpoints: bool = False) -> dict[str, Any]:
    """The seed document of the demo account, JSON-able.

    regression: adds the slow release. endpoints: adds SageMaker's part, see demo_endpoints.
    """
    document: dict[str, Any] = {
        "description": "demo account",
        "functions": [
            _checkout_ocr(),
            _invoice_classifier(),
            _thumbnailer(),
            _month_end_report(),
            _webhook_intake(),
            _product_embedder(),
            _search_rerank(),
            _fraud_scorer(),
        ],
    }
    actors: list[dict[str, Any]] = []
    if regression:
        actors.append(
            {
                "actor": "release",
                "at_in_s": REGRESSION_AFTER_S,
                "function": "search-rerank",
                "alias": "live",
                "latency_factor": 1.3,
            }
        )
    if endpoints:
        document |= endpoint_sections()
        actors += endpoint_actors()
    if actors:
        document["actors"] = actors
    return document


def _tags(team: str, slo_ms: int) -> dict[str, str]:
    return {"team": team, "env": "prod", "slo-p95-ms": str(slo_ms)}


def _checkout_ocr() -> dict[str, Any]:
    return {
        "name": "checkout-ocr",
        "memory_mb": 3008,
        "timeout_s": 30,
        "age_days": 210,
        "unchanged_days": 64,
        "versions": 3,
        "aliases": {"live": 3},
        "tags": _tags("payments", 450),
        "workload": {
            "curve": {"a_ms": 40.0, "b": 247_000.0, "p": 1.0, "saturation_mb": 1769},
            "cv": 0.18,
            "slow_share": 0.015,
            "slow_factor": [1.5, 2.5],
            "memory_mb": 410,
            "init_ms": 900,
            "error_rate": 0.0004,
            "qualifier": "live",
            "traffic": {
                "rps": 8.0,
                "daily_amplitude": 0.55,
                "peak_hour_utc": 13,
                "weekend_factor": 0.7,
            },
        },
    }


def _invoice_classifier() -> dict[str, Any]:
    return {
        "name": "invoice-classifier",
        "memory_mb": 256,
        "architecture": "arm64",
        "age_days": 95,
        "unchanged_days": 40,
        "versions": 2,
        "aliases": {"live": 2},
        "tags": _tags("finance", 400),
        "workload": {
            "curve": {"a_ms": 15.0, "b": 170_000.0, "p": 1.0, "saturation_mb": 1769},
            "cv": 0.15,
            "slow_share": 0.01,
            "memory_mb": 176,
            "init_ms": 650,
            "qualifier": "live",
            "traffic": {
                "rps": 3.0,
                "daily_amplitude": 0.4,
                "peak_hour_utc": 10,
                "weekend_factor": 0.5,
            },
        },
    }


def _thumbnailer() -> dict[str, Any]:
    return {
        "name": "thumbnailer",
        "memory_mb": 512,
        "age_days": 400,
        "unchanged_days": 120,
        "versions": 6,
        "aliases": {"live": 6, "previous": 5},
        "tags": _tags("media", 300),
        "workload": {
            "curve": {"a_ms": 30.0, "b": 82_000.0, "p": 1.0, "saturation_mb": 1769},
            "cv": 0.14,
            "slow_share": 0.01,
            "memory_mb": 240,
            "init_ms": 350,
            "qualifier": "live",
            "traffic": {"rps": 5.0, "daily_amplitude": 0.3, "peak_hour_utc": 18},
        },
    }


def _month_end_report() -> dict[str, Any]:
    return {
        "name": "month-end-report",
        "memory_mb": 1024,
        "timeout_s": 300,
        "age_days": 300,
        "versions": 1,
        "aliases": {"live": 1},
        "tags": _tags("finance", 20_000),
        "workload": {
            "curve": {"a_ms": 900.0, "b": 3_600_000.0, "p": 1.0, "saturation_mb": 1769},
            "cv": 0.25,
            "memory_mb": 310,
            "init_ms": 1200,
            "qualifier": "live",
            "traffic": {"requests_per_day": 6},
        },
    }


def _webhook_intake() -> dict[str, Any]:
    return {
        "name": "webhook-intake",
        "memory_mb": 2048,
        "age_days": 150,
        "unchanged_days": 150,
        "tags": _tags("platform", 250),
        "workload": {
            "curve": {"a_ms": 85.0, "b": 12_000.0, "p": 1.0, "saturation_mb": 1024},
            "cv": 0.2,
            "slow_share": 0.02,
            "slow_factor": [1.5, 3.0],
            "memory_mb": 96,
            "init_ms": 280,
            "traffic": {
                "rps": 6.0,
                "daily_amplitude": 0.2,
                "bursts": {"per_day": 2, "factor": 3.0, "minutes": 15},
            },
        },
    }


def _product_embedder() -> dict[str, Any]:
    return {
        "name": "product-embedder",
        "memory_mb": 2048,
        "package_type": "Image",
        "age_days": 80,
        "unchanged_days": 33,
        "versions": 4,
        "aliases": {"live": 4},
        "tags": _tags("search", 900),
        "workload": {
            "curve": {"a_ms": 120.0, "b": 260_000.0, "p": 1.0, "saturation_mb": 1769},
            "cv": 0.12,
            "slow_share": 0.01,
            "memory_mb": 1720,
            "memory_spread": 0.03,
            "init_ms": 4200,
            "qualifier": "live",
            "traffic": {"rps": 1.5, "daily_amplitude": 0.35, "peak_hour_utc": 9},
        },
    }


def _search_rerank() -> dict[str, Any]:
    return {
        "name": "search-rerank",
        "memory_mb": 1024,
        "age_days": 60,
        "unchanged_days": 25,
        "versions": 2,
        "aliases": {"live": 2},
        "tags": _tags("search", 220),
        "workload": {
            "curve": {
                "points": [
                    [128, 1190.0],
                    [256, 578.0],
                    [512, 281.0],
                    [768, 196.0],
                    [1024, 148.0],
                    [1536, 109.0],
                    [2048, 101.0],
                    [3008, 99.0],
                ]
            },
            "cv": 0.16,
            "slow_share": 0.01,
            "memory_mb": 330,
            "init_ms": 800,
            "qualifier": "live",
            "traffic": {"rps": 4.0, "daily_amplitude": 0.45, "peak_hour_utc": 16},
        },
    }


def _fraud_scorer() -> dict[str, Any]:
    return {
        "name": "fraud-scorer",
        "memory_mb": 3008,
        "runtime": "java21",
        "age_days": 45,
        "unchanged_days": 18,
        "versions": 5,
        "aliases": {"live": 5},
        "tags": _tags("risk", 300),
        "workload": {
            "curve": {
                "points": [
                    [512, 2600.0],
                    [1024, 1400.0],
                    [1536, 420.0],
                    [1792, 190.0],
                    [2048, 150.0],
                    [3008, 140.0],
                ]
            },
            "cv": 0.15,
            "slow_share": 0.01,
            "memory_mb": 620,
            "init_ms": 2600,
            "qualifier": "live",
            "traffic": {"rps": 4.0, "daily_amplitude": 0.4, "peak_hour_utc": 14},
        },
    }
