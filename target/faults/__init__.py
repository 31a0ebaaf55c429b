"""Faults that are set in the running service, so that a load test can watch it suffer and recover.

The layer is off unless `BENCHLAB_TARGET_FAULTS=1`: without it nothing of this package is installed
in the application, and `/faults` is as absent as any other unknown path. Where it is on, faults are
set, renewed and lifted over HTTP by who `access` lets in:

| request | effect |
|---|---|
| `GET /faults` | what is on, and `requests_served`, the number of requests to `/api/` and of gRPC calls so far |
| `PUT /faults/{id}` | sets the fault of the JSON body (`kinds`), or renews its lease if it is on already; `?do=renew` only renews, `?do=check` only checks |
| `DELETE /faults/{id}` | lifts it; 404 if it is not on |
| `DELETE /faults` | lifts all |

Every fault has a lease and lifts itself when that ends: whoever set it may be dead. Only requests
to `/api/` and calls of the gRPC service are hit, so health checks and this control API respond
during a fault. A process has its
own faults: with several uvicorn workers, each request to `/faults` reaches one of them.

access.py      who may control faults
kinds.py       the kinds of faults and their settings
effects.py     what a fault does to a request
background.py  faults that act by the clock: blocks of the event loop, pauses
state.py       the faults that are on, and their leases
turns.py       the order of requests while some burn processor time
middleware.py  where requests meet the faults that are on
calls.py       where gRPC calls meet them
routes.py      the control API
waiting.py     sleeping in the event loop
"""  # noqa: E501 (a table cell cannot be wrapped)

import os
from dataclasses import dataclass, field

ENABLED = "BENCHLAB_TARGET_FAULTS"
TOKEN = "BENCHLAB_TARGET_FAULT_TOKEN"
CONTROL_PATH = "/faults"


@dataclass(frozen=True)
class FaultSettings:
    """What the environment says: `token` is empty if only loopback may control faults."""

    token: str = field(repr=False)


def fault_settings_from_environment() -> FaultSettings | None:
    """Read the variables above; None if faults are not enabled.

    Raises `ValueError` for a switch that is neither on nor off, and for a token that cannot be sent
    in a header. The message never has the token.
    """
    switch = os.environ.get(ENABLED, "").strip()
    if switch not in {"", "0", "1"}:
        raise ValueError(f"{ENABLED} must be 1 (faults can be set) or 0, not {switch!r}")
    if switch != "1":
        return None
    token = os.environ.get(TOKEN, "")
    if not all("!" <= character <= "~" for character in token):
        raise ValueError(f"{TOKEN} must be printable ASCII characters without spaces")
    return FaultSettings(token)
