"""Make the TLS context that a plan needs, for every driver."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from benchlab.errors import InputError
from benchlab.plan.plan import Plan
from benchlab.plan.transport import Transport

__all__ = ["tls_context"]


def tls_context(
    plan: Plan, protocols: Sequence[str] = ("http/1.1",), *, always: bool = False
) -> ssl.SSLContext | None:
    """The context for the plan's services, offering ``protocols``.

    None if no service uses TLS, unless ``always`` is set.

    Raises:
        InputError: a file of the plan's transport cannot be read or is invalid.
    """
    if not always and not any(origin.uses_tls for origin in plan.origins):
        return None
    transport = plan.transport
    context = _trusting(transport)
    if transport.client_cert:
        try:
            context.load_cert_chain(
                transport.client_cert, transport.client_key or None, password=_no_password
            )
        except (OSError, ssl.SSLError) as exc:
            key = f" with the key {transport.client_key!r}" if transport.client_key else ""
            raise InputError(
                f"cannot be used{key}: {_why(exc)}",
                field="client_cert",
                value=transport.client_cert,
            ) from exc
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def _trusting(transport: Transport) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=transport.ca_file or None)
    except (OSError, ssl.SSLError) as exc:
        raise InputError(
            f"cannot be used: {_why(exc)}; it must hold certificates in PEM format",
            field="ca_file",
            value=transport.ca_file,
        ) from exc
    if not transport.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_password() -> str:
    raise OSError(0, "its key is encrypted: decrypt it first (openssl pkey)")


def _why(exc: OSError) -> str:
    if isinstance(exc, ssl.SSLError):
        return exc.reason or str(exc)
    return exc.strerror or str(exc)
