"""SageMaker's part of the demo account: nine endpoints, one for each lesson.

| endpoint | lesson |
|---|---|
| resume-parser | serverless, over-provisioned: 6144 MB where 2048 keep the SLO |
| review-sentiment | serverless, under-provisioned: 1024 MB, breaks its SLO |
| faq-matcher | serverless, already right |
| chat-moderation | serverless trap: fast enough, but a maximum concurrency of 3 refuses requests |
| catalog-ranker | real-time, over-provisioned; the trap: AWS refuses another type while the
  team's own scaling policy is registered |
| image-tagger | real-time, under-provisioned: at most two instances, too few by day |
| geo-scorer | real-time, already right |
| price-estimator | real-time trap: no capacity for the best type, one instance for a copy
  excepted: AWS rolls back silently |
| route-planner | real-time trap: somebody's Terraform puts its own configuration back each night |
"""

from typing import Any

HOUR_S = 3600.0
AGE_DAYS = 4
"""Enough to know a day's shape; every minute of the past is played for each endpoint."""
TERRAFORM_FIRST_S = 20 * HOUR_S
"""When, after the start, route-planner's pipeline runs for the first time."""


def endpoint_sections() -> dict[str, Any]:
    """The sections of a seed document that belong to SageMaker."""
    return {
        "endpoints": [
            _resume_parser(),
            _review_sentiment(),
            _faq_matcher(),
            _chat_moderation(),
            _catalog_ranker(),
            _image_tagger(),
            _geo_scorer(),
            _price_estimator(),
            _route_planner(),
        ],
        "scalable_targets": [
            _catalog_ranker_target(),
            _scaled("image-tagger", 1, 2, 900.0),
            _scaled("geo-scorer", 1, 4, 1500.0),
        ],
        "endpoint_update_faults": [
            {
                "endpoint": "price-estimator",
                "outcome": "InsufficientCapacity",
                "instance_type": "ml.c5.large",
                "times": 10,
            }
        ],
    }


def endpoint_actors() -> list[dict[str, Any]]:
    """Others at work on endpoints."""
    return [
        {
            "actor": "endpoint_terraform",
            "at_in_s": TERRAFORM_FIRST_S,
            "endpoint": "route-planner",
            "config_name": "route-planner-config",
            "every_s": 24 * HOUR_S,
        }
    ]


def _tags(team: str, slo_ms: int) -> dict[str, str]:
    return {"team": team, "env": "prod", "slo-p95-ms": str(slo_ms)}


def _scaled(endpoint: str, low: int, high: int, target: float) -> dict[str, Any]:
    policy = {"name": "invocations", "target_value": target}
    return {"endpoint": endpoint, "min": low, "max": high, "policies": [policy]}


# --- serverless ---


def _resume_parser() -> dict[str, Any]:
    return {
        "name": "resume-parser",
        "memory_mb": 6144,
        "max_concurrency": 20,
        "age_days": AGE_DAYS,
        "tags": _tags("talent", 450),
        "workload": {
            "curve": {"a_ms": 60.0, "b": 400_000.0, "p": 1.0, "saturation_mb": 1769},
            "cv": 0.16,
            "slow_share": 0.01,
            "memory_mb": 900,
            "init_ms": 3200,
            "traffic": {"rps": 2.0, "daily_amplitude": 0.4, "peak_hour_utc": 11},
        },
    }


def _review_sentiment() -> dict[str, Any]:
    return {
        "name": "review-sentiment",
        "memory_mb": 1024,
        "max_concurrency": 20,
        "age_days": AGE_DAYS,
        "tags": _tags("reviews", 300),
        "workload": {
            "curve": {"a_ms": 20.0, "b": 330_000.0, "p": 1.0, "saturation_mb": 3538},
            "cv": 0.15,
            "slow_share": 0.01,
            "memory_mb": 620,
            "init_ms": 2400,
            "traffic": {"rps": 3.0, "daily_amplitude": 0.3, "peak_hour_utc": 15},
        },
    }


def _faq_matcher() -> dict[str, Any]:
    return {
        "name": "faq-matcher",
        "memory_mb": 2048,
        "max_concurrency": 10,
        "age_days": AGE_DAYS,
        "tags": _tags("support", 260),
        "workload": {
            "curve": {"a_ms": 30.0, "b": 320_000.0, "p": 1.0, "saturation_mb": 3538},
            "cv": 0.14,
            "slow_share": 0.01,
            "memory_mb": 760,
            "init_ms": 2100,
            "traffic": {"rps": 2.5, "daily_amplitude": 0.25, "peak_hour_utc": 13},
        },
    }


def _chat_moderation() -> dict[str, Any]:
    return {
        "name": "chat-moderation",
        "memory_mb": 2048,
        "max_concurrency": 3,
        "age_days": AGE_DAYS,
        "tags": _tags("trust", 400),
        "workload": {
            "curve": {"a_ms": 60.0, "b": 400_000.0, "p": 1.0, "saturation_mb": 3538},
            "cv": 0.15,
            "slow_share": 0.01,
            "memory_mb": 1500,
            "init_ms": 2600,
            "traffic": {"rps": 9.0, "daily_amplitude": 0.5, "peak_hour_utc": 18},
        },
    }


# --- real-time ---


def _image_tagger() -> dict[str, Any]:
    return {
        "name": "image-tagger",
        "instance_type": "ml.c5.large",
        "instance_count": 2,
        "age_days": AGE_DAYS,
        "tags": _tags("media", 160),
        "workload": {
            "machines": {"work_ms": 70.0, "fixed_ms": 5.0, "cores": 1.0},
            "cv": 0.2,
            "memory_mb": 900,
            "traffic": {"rps": 30.0, "daily_amplitude": 0.6, "peak_hour_utc": 13},
        },
    }


def _geo_scorer() -> dict[str, Any]:
    return {
        "name": "geo-scorer",
        "instance_type": "ml.c5.large",
        "instance_count": 1,
        "age_days": AGE_DAYS,
        "tags": _tags("logistics", 90),
        "workload": {
            "machines": {"work_ms": 28.0, "fixed_ms": 3.0, "cores": 1.0},
            "cv": 0.18,
            "memory_mb": 700,
            "traffic": {"rps": 16.0, "daily_amplitude": 0.25, "peak_hour_utc": 12},
        },
    }


def _price_estimator() -> dict[str, Any]:
    return {
        "name": "price-estimator",
        "instance_type": "ml.c5.2xlarge",
        "instance_count": 1,
        "age_days": AGE_DAYS,
        "tags": _tags("pricing", 120),
        "workload": {
            "machines": {"work_ms": 45.0, "fixed_ms": 4.0, "cores": 1.0},
            "cv": 0.18,
            "memory_mb": 1800,
            "traffic": {"rps": 9.0, "daily_amplitude": 0.4, "peak_hour_utc": 10},
        },
    }


def _catalog_ranker() -> dict[str, Any]:
    return {
        "name": "catalog-ranker",
        "instance_type": "ml.c5.4xlarge",
        "instance_count": 1,
        "age_days": AGE_DAYS,
        "tags": _tags("search", 100),
        "workload": {
            "machines": {"work_ms": 40.0, "fixed_ms": 4.0, "cores": 1.0},
            "cv": 0.18,
            "memory_mb": 2200,
            "traffic": {"rps": 20.0, "daily_amplitude": 0.4, "peak_hour_utc": 17},
        },
    }


def _catalog_ranker_target() -> dict[str, Any]:
    return {
        "endpoint": "catalog-ranker",
        "min": 1,
        "max": 3,
        "policies": [{"name": "team-search-invocations", "target_value": 6000.0}],
    }


def _route_planner() -> dict[str, Any]:
    return {
        "name": "route-planner",
        "instance_type": "ml.m5.2xlarge",
        "instance_count": 1,
        "age_days": AGE_DAYS,
        "tags": {**_tags("logistics", 150), "managed-by": "terraform"},
        "workload": {
            "machines": {"work_ms": 50.0, "fixed_ms": 5.0, "cores": 1.0},
            "cv": 0.18,
            "memory_mb": 2600,
            "traffic": {"rps": 8.0, "daily_amplitude": 0.4, "peak_hour_utc": 9},
        },
    }
