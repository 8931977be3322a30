"""All that the one listener answers: page, JSON API, `/metrics`, health, `/-/reload`.

Everything else answers 404. Every answer but the page, the metrics and health is JSON, and
none may be framed or sniffed. The app knows its providers only as callables and protocols,
so it is tested without a controller.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from controller.web.answers import error
from controller.web.api import PREFIX, api_routes
from controller.web.checks import Checks, ChecksProvider, all_ok
from controller.web.doors import Doors, Guarded
from controller.web.fence import Fenced
from controller.web.page import page_routes
from controller.web.reading import Reads

MetricsProvider = Callable[[str], tuple[bytes, str]]
"""From the `Accept` header to the body and its content type."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of an attempt to load the policies anew."""

    ok: bool
    message: str


ReloadAction = Callable[[], Reloaded]


def build_app(
    *,
    metrics: MetricsProvider,
    live: ChecksProvider,
    ready: ChecksProvider,
    reload: ReloadAction | None = None,
    site: Reads | None = None,
    doors: Doors | None = None,
) -> ASGIApp:
    """The ASGI application.

    Args:
        metrics: makes the body of `/metrics`.
        live: whether the process makes progress; failing means that it should be restarted.
        ready: whether it is of use; failing means that it needs something from outside.
        reload: loads the policies anew; without it `/-/reload` is not there.
        site: what the page and the JSON API show; without it they are not there.
        doors: who may look; everybody who reaches the listener, unless said.
    """
    routes = [
        Route("/metrics", _metrics(metrics)),
        Route("/healthz", _health(live)),
        Route("/livez", _health(live)),
        Route("/readyz", _health(ready)),
    ]
    if reload is not None:
        routes.append(Route("/-/reload", _reload(reload), methods=["POST"]))
    if site is not None:
        routes += [*page_routes(), *api_routes(site, live, ready)]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed})
    app.router.redirect_slashes = False
    # around the whole of Starlette, whose own middleware would miss its answer to a crash
    return Fenced(Guarded(app, Doors() if doors is None else doors))


# The handlers are plain functions: Starlette runs those in its thread pool, so a slow
# provider does not hold up the others.


def _metrics(provider: MetricsProvider) -> Callable[[Request], Response]:
    def metrics(request: Request) -> Response:
        body, content_type = provider(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    return metrics


def _health(provider: ChecksProvider) -> Callable[[Request], Response]:
    def health(request: Request) -> Response:
        checks = provider()
        ok = all_ok(checks)
        telling = not ok or any(check.warning for check in checks.values())
        lines = _lines(checks) if telling or "verbose" in request.query_params else []
        text = "\n".join([*lines, "ok" if ok else "not ok"]) + "\n"
        return PlainTextResponse(text, status_code=200 if ok else 503)

    return health


def _lines(checks: Checks) -> list[str]:
    return [
        f"[{'!' if check.ok and check.warning else '+' if check.ok else '-'}] "
        f"{name}: {check.detail}"
        for name, check in checks.items()
    ]


def _reload(action: ReloadAction) -> Callable[[Request], Response]:
    def reload(request: Request) -> Response:
        # browsers name the page's origin on every POST: no page may reload us behind its reader
        if "origin" in request.headers:
            return _json("a web page may not reload the policies", 403)
        reloaded = action()
        return _json(reloaded.message, 200 if reloaded.ok else 422)

    return reload


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, HTTPException)
    if request.url.path.startswith(PREFIX):
        return error(refusal.detail, refusal.status_code, refusal.headers)
    return _json(refusal.detail, refusal.status_code, refusal.headers)


async def _failed(request: Request, _error: Exception) -> Response:
    sentence = "the page failed; the log says why"
    return error(sentence, 500) if request.url.path.startswith(PREFIX) else _json(sentence, 500)


def _json(message: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    body = {"ok": status < 400, "message": message}
    return JSONResponse(body, status_code=status, headers=headers)
