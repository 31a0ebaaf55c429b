"""The application: routes, error responses and the life cycle of its telemetry.

`uvicorn target.app:app` serves the application built here; `create_app` builds more. If an
environment variable is invalid, importing this module ends the process with a one-line message.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from . import __version__
from .faults import CONTROL_PATH, fault_settings_from_environment
from .faults.middleware import install_faults, install_turns
from .faults.routes import fault_router
from .faults.state import Faults
from .telemetry import telemetry_from_environment
from .vectors import vector_router

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Maximum size of a request body; a larger one gets a 413 response.

Far more than two vectors of maximum length need (about half a megabyte), so that a vector that is
too long usually gets a 422 response, which names the limit.
"""


def create_app() -> FastAPI:
    """Build an application with its own telemetry, configured by the environment.

    A process can have any number of applications; nothing global is registered. Telemetry is
    flushed when the application's lifespan ends. After that it cannot be started again: build
    another one.
    """
    telemetry = telemetry_from_environment()
    fault_settings = fault_settings_from_environment()
    faults = Faults(telemetry.tracer) if fault_settings else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Imported objects live as long as the process, but each full garbage collection, triggered
        # by the telemetry's garbage, visits all of them: 30 to 40 ms without serving a request.
        # Frozen objects are skipped.
        gc.collect()
        gc.freeze()
        yield
        if faults:
            faults.lift_all()
        await telemetry.shutdown()

    app = FastAPI(
        title="benchlab target",
        version=__version__,
        lifespan=lifespan,
        max_body_size=MAX_BODY_BYTES,
        # A body without a content type is read as JSON, the only type this service accepts.
        strict_content_type=False,
        # The interactive pages load scripts from a CDN; /openapi.json works offline.
        docs_url=None,
        redoc_url=None,
        exception_handlers={RequestValidationError: _validation_failed},
    )
    app.include_router(vector_router(telemetry.tracer))
    app.add_api_route("/health", _health, methods=["GET"], tags=["health"])
    untraced = ["/health"]
    if faults and fault_settings:
        app.include_router(fault_router(faults, fault_settings.token))
        install_faults(app, faults)
        untraced.append(CONTROL_PATH)
    telemetry.instrument(app, untraced)
    if faults:
        install_turns(app, faults.turns)
    return app


async def _health() -> dict[str, str]:
    return {"status": "ok"}


async def _validation_failed(_request: Request, error: Exception) -> JSONResponse:
    """Respond with 422 and the `type`, `loc` and `msg` of each error.

    FastAPI's own handler also echoes the input. That would send a large body back to the client,
    and fail (500) for NaN and infinity, which JSON cannot represent.
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
    # Servers import this module, and would hide the message in a traceback.
    raise SystemExit(f"the target cannot start: {exc}") from None
