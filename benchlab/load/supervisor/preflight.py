"""Can the plan be carried out at all? Asked once, before any worker is started."""

from __future__ import annotations

import socket
import ssl

from benchlab.errors import InputError, TargetError
from benchlab.load.drivers.tls import tls_context
from benchlab.plan.plan import Plan
from benchlab.plan.request import Origin
from benchlab.redact import HIDDEN

__all__ = ["check_credentials", "check_reachable"]

_PATIENCE_S = 5.0


def check_credentials(plan: Plan) -> None:
    """Refuse a plan that came out of a store, where its credentials were hidden.

    Raises:
        InputError: a header or a URL parameter has the place-holder for a secret as its value.
    """
    if plan.scenario is not None and not plan.scenario.code:
        raise InputError(
            f"the code of the scenario {plan.scenario.name} was not stored with its run: make the"
            " plan anew with benchlab.scenario"
        )
    for request in plan.requests:
        hidden = [name for name, value in request.headers if value == HIDDEN]
        if hidden or f"={HIDDEN}" in request.url:
            raise InputError(
                f"the credentials of {request.name} were hidden when its run was stored"
                f" ({', '.join(hidden) or 'in the URL'}): make the plan anew with them"
            )
        if request.data is not None and not request.data.rows:
            raise InputError(
                f"the rows of {request.data.name}, which fill {request.name}, were not stored with"
                " its run: make the plan anew with them"
            )


def check_reachable(plan: Plan) -> None:
    """Connect to each of the plan's services, with TLS where the URL says so, and hang up.

    No request is sent: the services see exactly those of the plan.

    Raises:
        InputError: a certificate or key of the plan's transport cannot be used.
        TargetError: unknown host, refused or no answer, or TLS that cannot be agreed on.
    """
    # Files that are named must be good ones, though no service of today's plan speaks TLS.
    tls = tls_context(plan, always=bool(plan.transport.ca_file or plan.transport.client_cert))
    for origin in plan.origins:
        _check_service(origin, plan, tls if origin.scheme == "https" else None)


def _check_service(origin: Origin, plan: Plan, tls: ssl.SSLContext | None) -> None:
    host, port = plan.transport.address_of(origin.host, origin.port)
    place = plan.transport.unix_socket or f"{host}:{port}"
    try:
        with _connected(plan, host, port) as raw:
            if tls is not None:
                name = plan.transport.server_name or origin.host
                with tls.wrap_socket(raw, server_hostname=name):
                    pass
    except socket.gaierror as exc:
        raise TargetError(
            f"the host {host!r} is unknown ({exc.strerror}): check the name in {origin}"
        ) from exc
    except ssl.SSLCertVerificationError as exc:
        raise TargetError(
            f"the certificate of {place} is not trusted: {exc.verify_message};"
            " name its authority (ca_file), or do not verify it (verify off, --insecure)"
        ) from exc
    except ssl.SSLError as exc:
        raise TargetError(
            f"{place} does not speak TLS ({exc.reason or exc}): use http:// if it is plain HTTP"
        ) from exc
    except TimeoutError as exc:
        raise TargetError(
            f"{place} does not answer: is the service up, and not behind a firewall?"
        ) from exc
    except OSError as exc:
        raise TargetError(
            f"cannot connect to {place} ({exc.strerror or exc}):"
            " is the service running, and is the port right?"
        ) from exc


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
