"""The requests that a service received, from its server spans: what a recording is made of.

Attributes are read by the names of OpenTelemetry's semantic conventions for HTTP, the stable ones
first and then those before 1.23: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.store.spans.spans import HAS_DURATION
from benchlab.text import plural
from benchlab.units import utc_from_ns

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["RecordedSpans", "ServiceSpans", "recorded_spans", "service_spans"]

_LISTED = 10


class ServiceSpans(NamedTuple):
    """A service, how many server spans of it there are, and when the first and last one began."""

    service: str
    count: int
    first_ns: int
    last_ns: int

    def describe(self) -> str:
        """Its name, its number of requests and their time."""
        first, last = (utc_from_ns(at_ns) for at_ns in (self.first_ns, self.last_ns))
        return (
            f"{self.service} ({plural(self.count, 'request')},"
            f" {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC)"
        )


class RecordedSpans(NamedTuple):
    """The server spans of a service that are HTTP requests, in order of time, as columns.

    ``start_ns`` counts from 1970, ``target`` is the path with its query, ``status`` 0 and
    ``duration_ms`` NaN where it is not known, and ``session`` empty where a span tells none.
    ``other_count`` spans have no method or no path, such as those of gRPC.
    """

    start_ns: NDArray[np.int64]
    method: list[str]
    target: list[str]
    status: NDArray[np.int64]
    duration_ms: NDArray[np.float64]
    session: list[str]
    other_count: int


def _first(*names: str) -> str:
    """SQL for the first of these attributes that a span has, or ''."""
    values = ", ".join(f"nullIf(SpanAttributes['{name}'], '')" for name in names)
    return f"coalesce({values}, '')"


_METHOD = _first("http.request.method_original", "http.request.method", "http.method")
_QUERY = "SpanAttributes['url.query']"
_TARGET = f"""multiIf(
    SpanAttributes['url.path'] != '',
    concat(SpanAttributes['url.path'], if({_QUERY} = '', '', concat('?', {_QUERY}))),
    SpanAttributes['http.target'] != '', SpanAttributes['http.target'],
    pathFull({_first("url.full", "http.url")})
)"""
_STATUS = f"toUInt16OrZero({_first('http.response.status_code', 'http.status_code')})"
_SESSION = _first("session.id", "enduser.id", "enduser.pseudo.id", "user.id")

_IN_WINDOW = """
    FROM otel_traces
    WHERE ServiceName = {service:String}
        AND SpanKind = 'Server'
        AND Timestamp >= fromUnixTimestamp64Nano({from_ns:Int64})
        AND Timestamp < fromUnixTimestamp64Nano({to_ns:Int64})
"""

# A span that is there twice, since its file was ingested and sent too, is one request.
_REQUESTS = f"""
SELECT
    toUnixTimestamp64Nano(Timestamp) AS start_ns,
    {_METHOD} AS method,
    {_TARGET} AS target,
    {_STATUS} AS status,
    if({HAS_DURATION}, Duration / 1e6, nan) AS duration_ms,
    {_SESSION} AS session
{_IN_WINDOW}
    AND method != '' AND target != ''
ORDER BY Timestamp, TraceId, SpanId
LIMIT 1 BY TraceId, SpanId
LIMIT {{most:UInt64}}
"""  # noqa: S608  # composed of constants

_OTHERS = f"""
SELECT uniqExact(TraceId, SpanId) {_IN_WINDOW} AND ({_METHOD} = '' OR {_TARGET} = '')
"""  # composed of constants

_SERVICES = """
SELECT
    ServiceName,
    count(),
    toUnixTimestamp64Nano(min(Timestamp)),
    toUnixTimestamp64Nano(max(Timestamp))
FROM otel_traces
WHERE SpanKind = 'Server'
GROUP BY ServiceName
ORDER BY count() DESC, ServiceName
"""


def service_spans(client: Client, service: str | None) -> ServiceSpans:
    """The server spans of ``service``; of the only one that there is for None.

    Raises:
        InputError: there are none, or of several services and none was named.
    """
    found = [ServiceSpans(*map(_plain, row)) for row in client.query(_SERVICES).result_rows]
    if not found:
        raise InputError(
            "the store has no server spans, so there is nothing to replay",
            remedy="let a Collector write them, or read OTLP files with benchlab ingest",
        )
    listed = "; ".join(each.describe() for each in found[:_LISTED])
    more = f" and {len(found) - _LISTED:,} more" if len(found) > _LISTED else ""
    if service is None:
        if len(found) == 1:
            return found[0]
        raise InputError(
            f"the store has server spans of several services: {listed}{more}",
            field="service",
            remedy="name one of them",
        )
    for each in found:
        if each.service == service:
            return each
    raise InputError(
        f"has no server spans in the store: there are {listed}{more}",
        field="service",
        value=service,
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else int(value)


def recorded_spans(
    client: Client, service: str, from_ns: int, to_ns: int, most: int
) -> RecordedSpans:
    """The first ``most`` requests that ``service`` got from ``from_ns`` until before ``to_ns``."""
    parameters = {"service": service, "from_ns": from_ns, "to_ns": to_ns, "most": most}
    result = client.query(_REQUESTS, parameters=parameters, column_oriented=True)
    start_ns, method, target, status, duration_ms, session = result.result_columns or [[]] * 6
    ((others,),) = client.query(_OTHERS, parameters=parameters).result_rows
    return RecordedSpans(
        start_ns=np.array(start_ns, dtype=np.int64),
        method=list(method),
        target=list(target),
        status=np.array(status, dtype=np.int64),
        duration_ms=np.array(duration_ms, dtype=np.float64),
        session=list(session),
        other_count=int(others),
    )
