"""The application: routes, error responses and the life cycle of its telemetry.

`uvicorn target.app:app` serves the application built here; `create_app` builds more. If an
environment variable is invalid, importing this module ends the process with a one-line message.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from . import __version__
from .faults import CONTROL_PATH, fault_settings_from_environment
from .faults.middleware import install_faults, install_turns
from .faults.routes import fault_router
from .faults.state import Faults
from .rpc.address import GRPC_ADDRESS, grpc_address
from .streams import stream_router
from .telemetry import Telemetry, telemetry_from_environment
from .vectors import vector_router

if TYPE_CHECKING:
    from .rpc.server import GrpcServer

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
    grpc_server = _grpc_server(telemetry, faults)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        # Imported objects live as long as the process, but each full garbage collection, triggered
        # by the telemetry's garbage, visits all of them: 30 to 40 ms without serving a request.
        # Frozen objects are skipped.
        gc.collect()
        gc.freeze()
        if grpc_server:
            await grpc_server.start()
        yield
        if faults:
            faults.lift_all()
        if grpc_server:
            await grpc_server.stop()
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
    app.state.grpc_server = grpc_server
    app.include_router(vector_router(telemetry.tracer))
    app.include_router(stream_router())
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


def _grpc_server(telemetry: Telemetry, faults: Faults | None) -> "GrpcServer | None":
    """The server beside the application, if the environment asks for one."""
    address = grpc_address()
    if not address:
        return None
    try:
        # Only here: a service without gRPC needs none of its packages.
        from .faults.calls import fault_interceptors
        from .rpc.server import GrpcServer
    except ModuleNotFoundError as exc:
        raise ValueError(f"{GRPC_ADDRESS} needs {exc.name}, which is not installed") from None
    turns, effects = fault_interceptors(faults) if faults else ([], [])
    interceptors = [*turns, *telemetry.grpc_interceptors(), *effects]
    return GrpcServer(address, telemetry.tracer, interceptors)


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
