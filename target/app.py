"""The application: routes, error answers and the life cycle of its telemetry.

`uvicorn target.app:app` serves the one built here; `create_app` builds more. Where the environment
cannot be obeyed, importing this module ends the process with one line that says why.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from . import __version__
from .telemetry import telemetry_from_environment
from .vectors import vector_router

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Most bytes read of a request body; more is answered with 413.

Far above what two vectors of legal length need (about half a megabyte), so that a vector that
is merely too long is still told so, with its length, by a 422.
"""


def create_app() -> FastAPI:
    """Build a fresh application with telemetry of its own, set up from the environment.

    Any number of them can live in one process; nothing global is registered. Telemetry is
    flushed when the application's lifespan ends, after which the application is spent: build
    another one rather than starting it again.
    """
    telemetry = telemetry_from_environment()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Everything imported lives as long as the process, yet each full collection walks all of
        # it: 30 to 40 ms in which no request is served, set off by the telemetry's garbage.
        # Frozen objects are skipped.
        gc.collect()
        gc.freeze()
        yield
        await telemetry.shutdown()

    app = FastAPI(
        title="benchlab target",
        version=__version__,
        lifespan=lifespan,
        max_body_size=MAX_BODY_BYTES,
        # A body without a content type is read as JSON, which is all there is here.
        strict_content_type=False,
        # The interactive pages load their scripts from a CDN; /openapi.json needs nobody.
        docs_url=None,
        redoc_url=None,
        exception_handlers={RequestValidationError: _validation_failed},
    )
    app.include_router(vector_router(telemetry.tracer))
    app.add_api_route("/health", _health, methods=["GET"], tags=["health"])
    telemetry.instrument(app)
    return app


async def _health() -> dict[str, str]:
    return {"status": "ok"}


async def _validation_failed(_request: Request, error: Exception) -> JSONResponse:
    """Answer 422 with `type`, `loc` and `msg` of each fault.

    FastAPI's own handler also echoes the input. That sends a too-large body back to its
    sender, and fails outright (500) on the inputs that matter here: JSON cannot carry NaN.
    """
    assert isinstance(error, RequestValidationError)
    detail: list[dict[str, Any]] = [
        {"type": fault["type"], "loc": fault["loc"], "msg": fault["msg"]}
        for fault in error.errors()
    ]
    return JSONResponse({"detail": detail}, status_code=422)


try:
    app = create_app()
except (ValueError, OSError) as exc:
    # Servers import this module, and would bury what is wrong and what to do in a traceback.
    raise SystemExit(f"the target cannot start: {exc}") from None
