"""Error kinds of the exceptions that grpcio raises in a scenario."""

from __future__ import annotations

import sys

from benchlab.samples.records import ErrorKind

__all__ = ["describe_call_error"]


def describe_call_error(exc: BaseException) -> tuple[ErrorKind, str] | None:
    """The error kind and message of a call that failed; None if ``exc`` is something else.

    grpcio reports a lost or refused connection as UNAVAILABLE, as it does what the service says.
    """
    grpc = sys.modules.get("grpc")  # importing it takes long, and most scenarios have no use for it
    if grpc is None or not isinstance(exc, grpc.RpcError):
        return None
    kind = ErrorKind.of_grpc(exc.code().value[0])
    return kind or ErrorKind.GRPC_UNKNOWN, exc.details() or ""
