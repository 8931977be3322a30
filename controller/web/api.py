"""The JSON API under `/api/v1`, which the page itself uses. Read-only."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.model.errors import AdapterError
from controller.web.answers import answer, error
from controller.web.checks import Checks, ChecksProvider
from controller.web.openapi import openapi_document
from controller.web.queries import (
    QueryError,
    changes_query,
    fleet_query,
    history_days,
    nothing,
)
from controller.web.reading import Json, Reads

PREFIX = "/api/v1"
_Look = Callable[[Request], Json | None]


def api_routes(reads: Reads, live: ChecksProvider, ready: ChecksProvider) -> list[Route]:
    """One route for each thing that can be looked at."""

    def change(request: Request) -> Json | None:
        number = request.path_params["id"]
        # SQLite's numbers end there; a change's never get near
        return reads.change(number) if number < 2**63 else None

    def endpoint(request: Request) -> Json | None:
        return reads.endpoint(request.path_params["key"])

    def history(request: Request) -> Json | None:
        days = history_days(request.query_params)
        return reads.history(request.path_params["key"], days)

    def status(_request: Request) -> Json:
        checks = {"live": _checks(live()), "ready": _checks(ready())}
        return {**reads.status(), "checks": checks}

    looks: Mapping[str, _Look] = {
        "/endpoints": lambda request: reads.fleet(fleet_query(request.query_params)),
        "/endpoints/{key:path}/history": history,
        "/endpoints/{key:path}": _bare(endpoint),
        "/changes": lambda request: reads.changes(changes_query(request.query_params)),
        "/changes/{id:int}": _bare(change),
        "/policies": _bare(lambda _request: reads.policies()),
        "/status": _bare(status),
        "/openapi.json": _bare(lambda _request: openapi_document()),
    }
    # plain functions: Starlette runs them in its thread pool, so that none holds up the others
    routes = [Route(PREFIX + path, _handler(look), methods=["GET"]) for path, look in looks.items()]
    return [*routes, Route(PREFIX + "/{path:path}", _nowhere, methods=["GET"])]


def _bare(look: _Look) -> _Look:
    def bare(request: Request) -> Json | None:
        nothing(request.query_params)
        return look(request)

    return bare


def _handler(look: _Look) -> Callable[[Request], Response]:
    def handler(request: Request) -> Response:
        try:
            _check_text(request.query_params)
            document = look(request)
        except QueryError as refusal:
            return error(str(refusal), 400)
        except AdapterError as failure:
            return error(str(failure), 503, {"Retry-After": "5"})
        if document is None:
            return error("there is no such thing; the controller knows nothing of it", 404)
        return answer(request, document)

    return handler


def _check_text(given: QueryParams) -> None:
    """A percent-encoded NUL or half a character finds nothing, and confuses whoever logs it."""
    for name, value in given.multi_items():
        if not (name + value).isprintable():
            raise QueryError("the query holds characters that cannot be printed")


def _nowhere(_request: Request) -> Response:
    return error("there is no such address; see /api/v1/openapi.json", 404)


def _checks(checks: Checks) -> list[Mapping[str, Any]]:
    return [
        {"name": name, "ok": check.ok, "warning": check.warning, "message": check.detail}
        for name, check in checks.items()
    ]
