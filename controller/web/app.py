"""The pages of the one listener: `/metrics`, `/healthz`, `/livez`, `/readyz`, `/-/reload`.

Everything else answers 404, every answer but the metrics is JSON (or, for health, plain
text), and no answer may be framed, sniffed or cached. The app knows its providers only as
callables, so it is tested without a controller.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.web.checks import Checks, ChecksProvider, all_ok

MetricsProvider = Callable[[str], tuple[bytes, str]]
"""From the `Accept` header to the body and its content type."""
_SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


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
) -> ASGIApp:
    """The ASGI application.

    Args:
        metrics: makes the body of `/metrics`.
        live: whether the process makes progress; failing means that it should be restarted.
        ready: whether it is of use; failing means that it needs something from outside.
        reload: loads the policies anew; without it `/-/reload` is not there.
    """
    routes = [
        Route("/metrics", _metrics(metrics)),
        Route("/healthz", _health(live)),
        Route("/livez", _health(live)),
        Route("/readyz", _health(ready)),
    ]
    if reload is not None:
        routes.append(Route("/-/reload", _reload(reload), methods=["POST"]))
    # around the whole of Starlette, whose own middleware would miss its answer to a crash
    return _SecurityHeaders(
        Starlette(routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed})
    )


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


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _json(error.detail, error.status_code, error.headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    return _json("the page failed; the log says why", 500)


def _json(message: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    body = {"ok": status < 400, "message": message}
    return JSONResponse(body, status_code=status, headers=headers)


class _SecurityHeaders:
    """Adds the headers to every answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, sent)
