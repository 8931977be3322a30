"""The shapes of the API's answers as JSON Schema (2020-12, as OpenAPI 3.1 has it).

Objects name what they always hold; more may be there. Where a value is not known there is
null, or `{"missing": why}` where the reason is worth telling.
"""

from collections.abc import Mapping

from controller.web.openapi_parts import (
    COUNTS,
    FLAG,
    NUMBER,
    TEXT,
    TIME,
    TIME_OR_NULL,
    WHOLE,
    Json,
    holding,
    many,
    maybe,
    or_missing,
    ref,
)
from controller.web.reading import KINDS, STATES

_KEY: Mapping[str, Json] = {
    "key": TEXT,
    "kind": {"enum": list(KINDS)},
    "account": TEXT,
    "region": TEXT,
    "name": TEXT,
    "qualifier": TEXT,
}
_SIZE_OR_NULL: Json = {"anyOf": [ref("Size"), {"type": "null"}]}
_ROW: Mapping[str, Json] = {
    **_KEY,
    "policy": TEXT,
    "mode": TEXT,
    "state": {"enum": list(STATES)},
    "currentSize": _SIZE_OR_NULL,
    "desiredSize": _SIZE_OR_NULL,
    "p95Ms": {**maybe("number"), "description": "At the policy's percentile, not always 95."},
    "sloMs": NUMBER,
    "percentile": NUMBER,
    "attainment": {"enum": ["Met", "Breached", "Unknown"]},
    "requests": {**maybe("integer"), "description": "In the SLO's window."},
    "slowBudgetUsed": {
        **maybe("number"),
        "description": "Share of the slow requests allowed in two weeks; above 1: more than that.",
    },
    "usdPerMonth": maybe("number"),
    "budgetUsdPerMonth": maybe("number"),
    "savesUsdPerMonth": {**maybe("number"), "description": "By the wanted change."},
    "decision": {"enum": ["Hold", "Change"]},
    "reason": maybe("string"),
    "message": TEXT,
    "at": TIME_OR_NULL,
}
_OBJECTIVE: Json = holding(
    {
        "sloMs": NUMBER,
        "percentile": NUMBER,
        "windowSeconds": NUMBER,
        "confidence": NUMBER,
        "budgetUsdPerMonth": maybe("number"),
    }
)
_ESTIMATE: Mapping[str, Json] = {
    "size": ref("Size"),
    "p95Ms": ref("Interval"),
    "pSlo": NUMBER,
    "usdPerMonth": or_missing(ref("Interval")),
    "evidence": TEXT,
    "verdict": TEXT,
    "because": TEXT,
}
_COST_ROW: Json = holding(
    {
        **_ESTIMATE,
        "meetsSlo": FLAG,
        "fitsBudget": maybe("boolean"),
        "instances": or_missing(ref("Interval")),
        "usdPerHour": or_missing(NUMBER),
        "usdPerMillionRequests": or_missing(NUMBER),
    }
)
_CONDITION: Json = holding(
    {
        "type": TEXT,
        "status": {"enum": ["True", "False", "Unknown"]},
        "reason": TEXT,
        "message": TEXT,
        "observedGeneration": TEXT,
        "lastTransitionTime": TIME_OR_NULL,
    }
)
_GUARD: Json = holding(
    {
        "guard": TEXT,
        "allowed": FLAG,
        "reason": maybe("string"),
        "message": TEXT,
        "until": TIME_OR_NULL,
    }
)
_MEASURED: Json = holding(
    {"size": ref("Size"), "requests": WHOLE, "p95Ms": ref("Interval"), "newest": TIME}
)
_PAUSE: Json = holding(
    {
        "scope": TEXT,
        "since": TIME,
        "until": TIME_OR_NULL,
        "over": FLAG,
        "reason": TEXT,
        "actor": TEXT,
    }
)
_POLICY: Mapping[str, Json] = {
    "name": TEXT,
    "mode": TEXT,
    "generation": TEXT,
    "source": TEXT,
    "document": {"type": "object"},
}
_ADVICE: Json = holding(
    {"reason": TEXT, "message": TEXT, "savesUsdPerMonth": or_missing(ref("Interval"))}
)
_HOSTING: Json = holding(
    {
        "kind": {"enum": list(KINDS)},
        "present": FLAG,
        "what": TEXT,
        "usdPerMonth": or_missing(ref("Interval")),
        "breakEvenRequestsPerSecond": or_missing(NUMBER),
        "assumes": TEXT,
    }
)
_CHANGE: Mapping[str, Json] = {
    "id": WHOLE,
    "endpoint": holding(_KEY),
    "policy": TEXT,
    "phase": TEXT,
    "before": ref("Size"),
    "target": ref("Size"),
    "reason": TEXT,
    "message": TEXT,
    "actor": TEXT,
    "plannedAt": TIME,
    "updatedAt": TIME,
    "finishedAt": TIME_OR_NULL,
    "verdict": {
        "anyOf": [
            holding({"kind": TEXT, "reason": TEXT, "message": TEXT}),
            {"type": "null"},
        ]
    },
}
_EVENT: Json = holding({"at": TIME, "phase": TEXT, "what": TEXT, "message": TEXT})
_CHECK: Json = holding({"name": TEXT, "ok": FLAG, "warning": FLAG, "message": TEXT})
_SUMMARY: Json = holding(
    {
        "states": COUNTS,
        "kinds": COUNTS,
        "modes": COUNTS,
        "attainment": COUNTS,
        "usdPerMonth": NUMBER,
        "costKnown": WHOLE,
        "savesUsdPerMonth": NUMBER,
    }
)
_SCHEDULED: Json = holding(
    {"cron": TEXT, "timezone": TEXT, "minInstances": WHOLE, "maxInstances": WHOLE}
)
_SIZES = (
    {"memoryMb": WHOLE},
    {"memoryMb": WHOLE, "maxConcurrency": WHOLE, "provisionedConcurrency": WHOLE},
    {
        "instanceType": TEXT,
        "minInstances": WHOLE,
        "maxInstances": WHOLE,
        "targetInvocationsPerMinute": maybe("number"),
        "schedule": many(_SCHEDULED),
    },
)
SHAPES: Mapping[str, Json] = {
    "Error": holding({"error": {"type": "string", "description": "One sentence."}}),
    "Missing": {**holding({"missing": TEXT}), "additionalProperties": False},
    "Interval": {
        **holding({"low": NUMBER, "mid": NUMBER, "high": NUMBER}),
        "description": "A central value and the 90 % interval around it.",
    },
    "Size": {
        "description": "The fields tell the kind.",
        "oneOf": [{**holding(fields), "additionalProperties": False} for fields in _SIZES],
    },
    "Row": holding(_ROW),
    "Fleet": holding(
        {
            "total": WHOLE,
            "matched": WHOLE,
            "offset": WHOLE,
            "limit": WHOLE,
            "summary": _SUMMARY,
            "items": many(ref("Row")),
        }
    ),
    "Endpoint": holding(
        {
            "row": ref("Row"),
            "fresh": {
                **FLAG,
                "description": "False: the controller has not looked since it started; what an "
                "earlier run wrote is told, and some fields are not there.",
            },
            "objective": _OBJECTIVE,
            "resolvedPolicy": holding(_POLICY),
            "conflictsWith": maybe("string"),
            "conditions": many(_CONDITION),
            "costTable": many(_COST_ROW),
            "measured": many(_MEASURED),
            "changes": many(holding(_CHANGE)),
            "pauses": many(_PAUSE),
            "nextLook": TIME_OR_NULL,
        },
        {
            "endpoint": holding(_KEY),
            "at": TIME,
            "currentSize": _SIZE_OR_NULL,
            "desiredSize": _SIZE_OR_NULL,
            "decision": TEXT,
            "reason": TEXT,
            "message": TEXT,
            "until": TIME_OR_NULL,
            "wanted": {"type": "object"},
            "demand": {"type": "object"},
            "slo": {"type": "object"},
            "candidates": many(holding({**_ESTIMATE, "measuredRequests": WHOLE})),
            "guards": many(_GUARD),
            "advice": many(_ADVICE),
            "hosting": many(_HOSTING),
        },
    ),
    "History": holding(
        {
            "key": TEXT,
            "since": TIME,
            "until": TIME,
            "stepSeconds": NUMBER,
            "objective": _OBJECTIVE,
            "points": many(
                holding(
                    {
                        "at": TIME,
                        "size": ref("Size"),
                        "requests": WHOLE,
                        "requestsPerSecond": NUMBER,
                        "p95Ms": ref("Interval"),
                        "metRatio": maybe("number"),
                    }
                )
            ),
            "changes": many(holding(_CHANGE)),
        }
    ),
    "Changes": holding({"items": many(holding(_CHANGE))}),
    "Change": holding(_CHANGE, {"events": many(_EVENT)}),
    "Policies": holding(
        {
            "digest": TEXT,
            "limits": holding({"maxConcurrentChanges": maybe("integer")}),
            "items": many(holding({**_POLICY, "endpoints": WHOLE})),
        }
    ),
    "Status": holding(
        {
            "version": TEXT,
            "startedAt": TIME,
            "now": TIME,
            "endpoints": WHOLE,
            "summary": _SUMMARY,
            "policies": WHOLE,
            "policyDigest": TEXT,
            "openChanges": WHOLE,
            "pauses": many(_PAUSE),
            "checks": holding({"live": many(_CHECK), "ready": many(_CHECK)}),
        }
    ),
    "OpenApi": {"type": "object"},
}
