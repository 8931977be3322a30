"""The API's published description."""

from collections.abc import Mapping
from typing import Any


def openapi_document() -> Mapping[str, Any]:
    """OpenAPI 3.1."""
    return {"openapi": "3.1.0", "info": {"title": "Rightsizer", "version": "v1"}, "paths": {}}
