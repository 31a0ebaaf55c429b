"""The gRPC server: where it listens, and its life."""

from collections.abc import Sequence
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import Tracer

from . import SERVICE
from .interceptor import AroundInterceptor
from .service import refuse_invalid, vector_handlers

GRACE_S = 5.0
"""How long calls in progress may take when the service stops, as with uvicorn."""


class GrpcServer:
    """The vector operations, health and reflection at one address.

    `interceptors` come from outside to inside: the first is the first to see a call.
    """

    def __init__(self, address: str, tracer: Tracer, interceptors: Sequence[Any]) -> None:
        self.address = address
        self._handlers = vector_handlers(tracer)
        self._interceptors = [*interceptors, AroundInterceptor(refuse_invalid)]
        self._server: Any = None
        self._health = health.aio.HealthServicer()

    async def start(self) -> None:
        """Listen; `address` has the port from now on, if it was 0.

        Raises `ValueError` if that is impossible.
        """
        # Without this option two services can listen on one port, and share its calls.
        server = grpc.aio.server(
            interceptors=self._interceptors, options=[("grpc.so_reuseport", 0)]
        )
        server.add_generic_rpc_handlers((self._handlers,))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection(
            (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
        try:
            port = server.add_insecure_port(self.address)
        except RuntimeError as exc:
            raise ValueError(f"cannot listen on {self.address} for gRPC") from exc
        self.address = f"{self.address.rpartition(':')[0]}:{port}"
        self._server = server
        await server.start()
        for service in ("", SERVICE):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Take no more calls, and let those in progress end."""
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            await self._server.stop(GRACE_S)
