"""Where gRPC is served, if it is."""

import os

GRPC_ADDRESS = "BENCHLAB_TARGET_GRPC"


def grpc_address() -> str:
    """The address from the environment, `host:port`; empty if gRPC is off.

    Raises `ValueError` if it is no such address.
    """
    address = os.environ.get(GRPC_ADDRESS, "").strip()
    host, _, port = address.rpartition(":")
    is_port = port.isascii() and port.isdigit() and int(port) <= 65_535
    if address and not (host and is_port):
        raise ValueError(f"{GRPC_ADDRESS} must be host:port, not {address!r}")
    return address
