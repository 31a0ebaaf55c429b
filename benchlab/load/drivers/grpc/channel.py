"""Channels of grpcio to a plan's services: addresses, names and certificates of its transport."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError
from benchlab.plan.hosts import with_port
from benchlab.plan.request import Origin
from benchlab.plan.transport import Transport

if TYPE_CHECKING:
    import grpc

__all__ = ["channel_credentials", "channel_target"]


def channel_target(transport: Transport, origin: Origin) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """The target of a channel to ``origin``, and the channel's options."""
    options: list[tuple[str, Any]] = [
        ("grpc.use_local_subchannel_pool", 1),  # channels would share their connections
        ("grpc.primary_user_agent", "benchlab"),
    ]
    if transport.server_name:
        options.append(("grpc.ssl_target_name_override", transport.server_name))
    address = transport.address_of(origin.host, origin.port)
    if transport.unix_socket or address != (origin.host, origin.port):
        options.append(("grpc.default_authority", with_port(origin.host, origin.port)))
    if transport.unix_socket:
        return f"unix:{transport.unix_socket}", tuple(options)
    return with_port(*address), tuple(options)


def channel_credentials(transport: Transport) -> grpc.ChannelCredentials:
    """The certificates of a channel over TLS.

    Raises:
        InputError: a file cannot be read, or certificates are not to be verified.
    """
    import grpc

    if not transport.verify:
        raise InputError(
            "grpcio always verifies certificates",
            field="verify",
            value=False,
            remedy="name the authority's certificate as ca_file",
        )

    def read(name: str) -> bytes | None:
        path = getattr(transport, name)
        try:
            return Path(path).read_bytes() if path else None
        except OSError as exc:
            raise InputError(f"cannot be read ({exc.strerror})", field=name, value=path) from exc

    certificate = read("client_cert")
    return grpc.ssl_channel_credentials(
        root_certificates=read("ca_file"),
        private_key=read("client_key") or certificate,
        certificate_chain=certificate,
    )
