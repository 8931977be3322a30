"""The API's published description: OpenAPI 3.1, written by hand beside the code it describes.

`python -m controller.web.openapi` in the root of the checkout writes `docs/openapi.json`; a
test compares it, and holds every answer of a running API against it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.web.openapi_shapes import SHAPES
from controller.web.queries import DEFAULT_DAYS, MODES, MOST_DAYS, MOST_ROWS
from controller.web.reading import KINDS, SORTS, STATES

PATH = Path("docs/openapi.json")
Json = Mapping[str, Any]


def openapi_document() -> Json:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rightsizer",
            "version": "v1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "What the controller sees and decides. Read-only. Fields may be "
            "added within v1; none is taken away or changes its meaning. Answers have an ETag.",
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}, {"password": []}],
        "tags": [{"name": "v1", "description": "Everything"}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
            "schemas": SHAPES,
        },
    }


def published() -> str:
    """As it is committed."""
    return json.dumps(openapi_document(), indent=2, ensure_ascii=False) + "\n"


def _paths() -> Json:
    key = _at(
        "key",
        {"type": "string"},
        "KIND/ACCOUNT/REGION/NAME:QUALIFIER; its slashes may stand as they are.",
    )
    days = {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": MOST_DAYS,
        "default": DEFAULT_DAYS,
    }
    return {
        "/api/v1/endpoints": _get("Fleet", "endpoints", "Rows of the fleet.", _fleet_parameters()),
        "/api/v1/endpoints/{key}": _get("Endpoint", "endpoint", "All that is known of one.", [key]),
        "/api/v1/endpoints/{key}/history": _get(
            "History",
            "history",
            "Latency and demand over time.",
            [key, _asked("days", days, "How far back.")],
        ),
        "/api/v1/changes": _get(
            "Changes",
            "changes",
            "Changes, newest first.",
            [
                _asked("endpoint", {"type": "string"}, "Only of this key."),
                _asked("open", {"type": "boolean", "default": False}, "Only those under way."),
                _asked("limit", _whole(1, MOST_ROWS, 100), "At most so many."),
            ],
        ),
        "/api/v1/changes/{id}": _get(
            "Change",
            "change",
            "One change with its events.",
            [_at("id", {"type": "integer", "minimum": 0}, "Its number.")],
        ),
        "/api/v1/policies": _get("Policies", "policies", "Policies in force, as resolved.", []),
        "/api/v1/status": _get("Status", "status", "The controller itself.", []),
        "/api/v1/openapi.json": _get("OpenApi", "openapi", "This document.", []),
    }


def _fleet_parameters() -> list[Json]:
    text = {"type": "string", "maxLength": 200}
    sorts = [*SORTS, *(f"-{word}" for word in SORTS)]
    return [
        _asked("q", text, "Words that must all be in key, policy, size, state or reason."),
        _asked("kind", text, f"Of {', '.join(KINDS)}; several by commas."),
        _asked("state", text, f"Of {', '.join(STATES)}; several by commas."),
        _asked("mode", text, f"Of {', '.join(MODES)}; several by commas."),
        _asked("policy", text, "Names of policies, by commas."),
        _asked("region", text, "Regions, by commas."),
        _asked(
            "sort",
            {"type": "string", "enum": sorts, "default": "state"},
            "By what; with a minus falling. What is not known comes last.",
        ),
        _asked("offset", _whole(0, None, 0), "Rows to leave out."),
        _asked("limit", _whole(1, MOST_ROWS, 100), "At most so many."),
    ]


def _get(shape: str, name: str, words: str, parameters: list[Json]) -> Json:
    answers: dict[str, Any] = {
        "200": _content(shape, "As asked."),
        "304": {"description": "What the asker named in If-None-Match still holds."},
        "400": _content("Error", "The query is not understood; the sentence says why."),
        "401": _content("Error", "A token is needed."),
        "403": _content("Error", "Others may not look before a token is set."),
        "503": _content("Error", "The journal cannot be read now."),
    }
    if any(parameter["in"] == "path" for parameter in parameters):
        answers["404"] = _content("Error", "There is no such thing.")
    return {
        "get": {
            "operationId": name,
            "tags": ["v1"],
            "summary": words,
            "parameters": parameters,
            "responses": answers,
        }
    }


def _content(shape: str, words: str) -> Json:
    schema = {"$ref": f"#/components/schemas/{shape}"}
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _asked(name: str, schema: Json, words: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": words}


def _at(name: str, schema: Json, words: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": words}


def _whole(least: int, most: int | None, default: int) -> Json:
    edges = {"minimum": least} if most is None else {"minimum": least, "maximum": most}
    return {"type": "integer", **edges, "default": default}


if __name__ == "__main__":
    PATH.write_text(published(), "utf-8")
