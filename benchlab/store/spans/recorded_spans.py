"""The requests that a service received, from its server spans: what a recording is made of.

Attributes are read by the names of OpenTelemetry's semantic conventions for HTTP, the stable ones
first and then those before 1.23: https://opentelemetry.io/docs/specs/semconv/http/http-spans/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchlab.errors import InputError
from benchlab.plan.recording import Recording
from benchlab.plan.recording.moments import Window
from benchlab.plan.recording.skipped import Skip
from benchlab.plan.shapes.replay import MAX_ARRIVALS
from benchlab.store.spans.spans import HAS_DURATION
from benchlab.text import listed, plural
from benchlab.units import NS_PER_S, utc_from_ns

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["recording"]

_LISTED = 10
_DAY_NS = 86_400 * NS_PER_S
_COLUMNS = ("start_ns", "method", "path", "status", "duration_ms", "session")


class ServiceSpans(NamedTuple):
    """A service, how many server spans of it there are, and when the first and last one began."""

    service: str
    span_count: int
    first_ns: int
    last_ns: int

    def describe(self) -> str:
        """Its name, its number of requests and their time."""
        first, last = (utc_from_ns(at_ns) for at_ns in (self.first_ns, self.last_ns))
        return (
            f"{self.service} ({plural(self.span_count, 'request')},"
            f" {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC)"
        )


def _first(*names: str) -> str:
    """SQL for the first of these attributes that a span has, or ''."""
    values = ", ".join(f"nullIf(SpanAttributes['{name}'], '')" for name in names)
    return f"coalesce({values}, '')"


_METHOD = _first("http.request.method_original", "http.request.method", "http.method")
_QUERY = "SpanAttributes['url.query']"
_PATH = f"""multiIf(
    SpanAttributes['url.path'] != '',
    concat(SpanAttributes['url.path'], if({_QUERY} = '', '', concat('?', {_QUERY}))),
    SpanAttributes['http.target'] != '', SpanAttributes['http.target'],
    pathFull({_first("url.full", "http.url")})
)"""
_STATUS = f"toUInt16OrZero({_first('http.response.status_code', 'http.status_code')})"
_SESSION = _first("session.id", "enduser.id", "enduser.pseudo.id", "user.id")

_OF_DAY = f"toUnixTimestamp64Nano(Timestamp) % {_DAY_NS}"

# A window of a day may go over midnight.
_IN_WINDOW = f"""
    FROM otel_traces
    WHERE ServiceName = {{service:String}}
        AND SpanKind = 'Server'
        AND Timestamp >= fromUnixTimestamp64Nano({{from_ns:Int64}})
        AND Timestamp < fromUnixTimestamp64Nano({{to_ns:Int64}})
        AND if(
            {{day_from_ns:Int64}} < {{day_to_ns:Int64}},
            {_OF_DAY} >= {{day_from_ns:Int64}} AND {_OF_DAY} < {{day_to_ns:Int64}},
            {_OF_DAY} >= {{day_from_ns:Int64}} OR {_OF_DAY} < {{day_to_ns:Int64}}
        )
"""

# A span that is there twice, since its file was ingested and sent too, is one request.
_REQUESTS = f"""
SELECT
    toUnixTimestamp64Nano(Timestamp) AS start_ns,
    {_METHOD} AS method,
    {_PATH} AS path,
    {_STATUS} AS status,
    if({HAS_DURATION}, Duration / 1e6, nan) AS duration_ms,
    {_SESSION} AS session
{_IN_WINDOW}
    AND method != '' AND path != ''
ORDER BY Timestamp, TraceId, SpanId
LIMIT 1 BY TraceId, SpanId
LIMIT {{most:UInt64}}
"""  # composed of constants

_OTHERS = f"""
SELECT uniqExact(TraceId, SpanId) {_IN_WINDOW} AND ({_METHOD} = '' OR {_PATH} = '')
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
    named = listed([each.describe() for each in found], _LISTED, "; ")
    if service is None:
        if len(found) == 1:
            return found[0]
        raise InputError(
            f"the store has server spans of several services: {named}",
            field="service",
            remedy="name one of them",
        )
    for each in found:
        if each.service == service:
            return each
    raise InputError(
        f"has no server spans in the store: there are {named}",
        field="service",
        value=service,
    )


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else int(value)


def recording(
    client: Client, service: str | None, window: str | tuple[Any, Any] | None
) -> Recording:
    """The requests that ``service`` got, in ``window``.

    Raises:
        InputError: there is no such service, the window has no request or is none, or there are
            more requests than a plan can have.
    """
    chosen = None if window is None else Window.parse(window)
    of = service_spans(client, service)
    parameters = {"service": of.service, **_bounds(of, chosen), "most": MAX_ARRIVALS + 1}
    result = client.query(_REQUESTS, parameters=parameters, column_oriented=True)
    columns = result.result_columns or [[]] * len(_COLUMNS)
    ((others,),) = client.query(_OTHERS, parameters=parameters).result_rows
    start_ns = np.array(columns[0], dtype=np.int64)
    if not len(start_ns):
        raise _nothing(of, chosen, int(others))
    if len(start_ns) > MAX_ARRIVALS:
        last = utc_from_ns(int(start_ns[-1]))
        raise InputError(
            f"there are more than {MAX_ARRIVALS:,} requests of {of.describe()}",
            field="window",
            remedy=f"take a part of them, such as those before {last:%Y-%m-%dT%H:%M:%S}",
        )
    found = Recording.from_table(
        offset_s=(start_ns - start_ns[0]) / NS_PER_S,
        **dict(zip(_COLUMNS[1:], columns[1:], strict=True)),
        started_at=utc_from_ns(int(start_ns[0])),
        source=f"the spans of {of.service}",
        skipped={Skip.NOT_HTTP.value: int(others)},
    )
    return found if window is None else found.window(window)


def _bounds(of: ServiceSpans, window: Window | None) -> dict[str, int | bool]:
    """The parameters of the SQL that say when: moments, and times of a day in UTC."""
    bounds = {
        "from_ns": of.first_ns,
        "to_ns": of.last_ns + 1,
        "day_from_ns": 0,
        "day_to_ns": _DAY_NS,
    }
    if window is None:
        return bounds
    if window.daily:
        return {**bounds, "day_from_ns": window.start_ns, "day_to_ns": window.end_ns}
    return {**bounds, "from_ns": window.start_ns, "to_ns": window.end_ns}


def _nothing(of: ServiceSpans, window: Window | None, others: int) -> InputError:
    if others:
        return InputError(
            f"none of its {plural(others, 'server span')} is an HTTP request: they have no method"
            " or no path",
            field="service",
            value=of.service,
        )
    return InputError(
        f"has no requests of {of.describe()}",
        field="window",
        value="" if window is None else window.text,
        remedy="times are in UTC",
    )
