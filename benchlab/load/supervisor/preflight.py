"""Check before the run that the plan can be carried out."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from benchlab.errors import InputError, TargetError
from benchlab.plan.hosts import with_port
from benchlab.plan.plan import Plan
from benchlab.plan.request import Origin
from benchlab.redact import HIDDEN, has_placeholder

if TYPE_CHECKING:
    import ssl

__all__ = ["check_credentials", "check_reachable"]

_PATIENCE_S = 5.0
_WRONG_NAME = (62, 64)
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""


def check_credentials(plan: Plan) -> None:
    """Refuse a plan from a store, which hides credentials and omits code and data.

    Raises:
        InputError: a secret was replaced by its placeholder, or code or rows are missing.
    """
    if plan.scenario is not None and not plan.scenario.code:
        raise InputError(
            f"the code of the scenario {plan.scenario.name} was not stored with its run: create the"
            " plan again with benchlab.scenario"
        )
    for fault in plan.faults:
        if HIDDEN in fault.options.get("restart", ""):
            raise InputError(
                f"a secret in the command of {fault.kind} was hidden when its run was stored:"
                " create the plan again with it"
            )
    if plan.recorded is not None and plan.recorded.is_withheld:
        raise InputError(
            "the recorded requests were not stored with its run: make the plan again from the"
            " recording"
        )
    for request in plan.requests:
        hidden = [name for name, value in request.headers if value == HIDDEN]
        if hidden or has_placeholder(request.url):
            raise InputError(
                f"the credentials of {request.name} were hidden when its run was stored"
                f" ({', '.join(hidden) or 'in the URL'}): create the plan again with them"
            )
        if request.data is not None and not request.data.rows:
            raise InputError(
                f"the rows of {request.data.name}, which fill {request.name}, were not stored with"
                " its run: create the plan again with them"
            )


def check_reachable(plan: Plan) -> None:
    """Connect to each of the plan's services, with TLS where the URL says so, and disconnect.

    No request is sent: the services see exactly those of the plan.

    Raises:
        InputError: a certificate or key of the plan's transport cannot be used.
        TargetError: the host is unknown, the connection is refused or times out, or TLS fails.
    """
    # Named files are checked even if no service of the plan speaks TLS.
    named = bool(plan.transport.ca_file or plan.transport.client_cert)
    tls = None
    if named or any(origin.uses_tls for origin in plan.origins):
        from benchlab.load.drivers.tls import tls_context

        tls = tls_context(plan, always=named)
    for origin in plan.origins:
        _check_service(origin, plan, tls if origin.uses_tls else None)


def _check_service(origin: Origin, plan: Plan, tls: ssl.SSLContext | None) -> None:
    host, port = plan.transport.address_of(origin.host, origin.port)
    try:
        with _connected(plan, host, port) as raw:
            if tls is not None:
                name = plan.transport.server_name_of(origin.host)
                with tls.wrap_socket(raw, server_hostname=name):
                    pass
    except OSError as exc:
        place = plan.transport.unix_socket or with_port(host, port)
        raise _diagnose(exc, origin, host, place) from exc


def _diagnose(exc: OSError, origin: Origin, host: str, place: str) -> TargetError:
    import ssl

    if isinstance(exc, socket.gaierror):
        return TargetError(
            f"the host {host!r} is unknown ({exc.strerror}): check the name in {origin}"
        )
    if isinstance(exc, ssl.SSLCertVerificationError) and exc.verify_code in _WRONG_NAME:
        return TargetError(
            f"the certificate of {place} is for another name: {exc.verify_message};"
            " give the name that it has (server_name, --server-name)"
        )
    if isinstance(exc, ssl.SSLCertVerificationError):
        return TargetError(
            f"the certificate of {place} is not trusted: {exc.verify_message};"
            " name its authority (ca_file), or do not verify it (verify off, --insecure)"
        )
    if isinstance(exc, ssl.SSLError):
        return TargetError(
            f"{place} does not speak TLS ({exc.reason or exc}): use http:// if it is plain HTTP"
        )
    if isinstance(exc, TimeoutError):
        return TargetError(
            f"{place} does not respond: is the service running, and not behind a firewall?"
        )
    return TargetError(
        f"cannot connect to {place} ({exc.strerror or exc}):"
        " is the service running, and is the port right?"
    )


def _connected(plan: Plan, host: str, port: int) -> socket.socket:
    patience_s = min(_PATIENCE_S, plan.timeout_s)
    if not plan.transport.unix_socket:
        return socket.create_connection((host, port), timeout=patience_s)
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(patience_s)
    try:
        raw.connect(plan.transport.unix_socket)
    except BaseException:
        raw.close()
        raise
    return raw
