"""The page's own files: read once, served from memory, named in full.

Only what is in the table can be asked for, so no path leads anywhere else.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.web.answers import tagged

FOLDER = "static"
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def page_routes() -> list[Route]:
    """`/` and `/static/…`."""
    routes = []
    for item in sorted(files("controller.web").joinpath(FOLDER).iterdir(), key=lambda i: i.name):
        kind = _TYPES.get(item.name.rpartition(".")[2])
        if kind is not None:
            path = "/" if item.name == "index.html" else f"/{FOLDER}/{item.name}"
            routes.append(Route(path, _file(item.read_bytes(), kind), methods=["GET"]))
    return routes


def _file(body: bytes, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def file(request: Request) -> Response:
        return tagged(request, body, kind)

    return file
