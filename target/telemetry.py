"""Traces and metrics of the service: what is recorded, and where it is sent.

The environment decides where, once, when the application is built:

| variable | effect |
|---|---|
| `OTEL_EXPORTER_OTLP_ENDPOINT`, or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT` for one signal | OTLP over gRPC to that endpoint |
| `BENCHLAB_TARGET_OTLP_DIR` | OTLP JSON lines in that directory, which is created: `traces-<pid>.jsonl` and `metrics-<pid>.jsonl` |
| neither | nothing is recorded, and requests pay nothing for it |
| both | both receive everything |
| `OTEL_TRACES_EXPORTER=none`, `OTEL_METRICS_EXPORTER=none`, `OTEL_SDK_DISABLED=true` | that signal, or everything, is off in spite of the above |

The SDK's other variables keep their meaning (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
`OTEL_TRACES_SAMPLER`, `OTEL_PROPAGATORS`, ...). These only get another default:

| variable | default here | reason |
|---|---|---|
| `OTEL_SERVICE_NAME` | `benchlab-target` | |
| `OTEL_SEMCONV_STABILITY_OPT_IN` | `http` | stable names, and durations in seconds instead of whole milliseconds |
| `OTEL_BSP_MAX_QUEUE_SIZE` | 65536 spans | a full queue drops spans. At two spans a request the SDK's 2,048 are 0.7 s of 1,500 requests/s, these are 20 s |
| `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` | 64 spans | an export holds the interpreter, and requests wait for it: see below |
| `OTEL_BSP_SCHEDULE_DELAY` | 1000 ms | the spans of a running benchmark can be read almost at once |
| `OTEL_METRIC_EXPORT_INTERVAL` | 5000 ms | several points within a short run |
| `OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED` | `true` | the SDK's own counters: spans that a full queue dropped, and that could not be exported |
| `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` | `delta`, for files only | points of different exports add up; cumulative ones repeat earlier values |

Exports run in a thread, but writing one batch takes a few long calls that hold the interpreter
lock, so a large batch shows up as latency of the service. Its p99 at 500 requests/s on
two cores, writing files: 2.4 ms with telemetry off, 3.6 ms in batches of 64 spans, 5 ms of 128,
9 ms of 512, 12 ms of 4,096. The processor time per span is the same. The queue never held more
than 110 spans, at full load too: exports keep pace, because it is the requests that wait. Only
a collector tens of milliseconds away needs larger batches, as they are sent one by one.

What is recorded: one SERVER span per request with the stable HTTP attributes, and whatever the
routes add below it. A request that carries a W3C `traceparent` continues that trace and obeys
its sampled flag; without one `OTEL_TRACES_SAMPLER` decides (default: every request). The
histogram `http.server.request.duration` (seconds) is exponential. `/health` and `/faults` are
neither traced nor counted. A gRPC call is a SERVER span with the attributes of the RPC conventions
instead, whose trace context comes from the call's metadata, and is counted in the like histogram
`rpc.server.call.duration`; health and reflection are neither. The SDK counts the spans that were
processed (`otel.sdk.processor.span.processed`, with `error.type` `queue_full` for dropped ones)
and, with OTLP, those that were exported (`otel.sdk.exporter.span.exported`, with an `error.type`
for failed ones).

Sources: https://opentelemetry.io/docs/specs/semconv/http/,
https://opentelemetry.io/docs/specs/semconv/rpc/
"""  # noqa: E501 (a table cell cannot be wrapped)

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.json.file import FileMetricExporter, FileSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.environment_variables import (
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL,
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_METRIC_EXPORT_INTERVAL,
    OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED,
    OTEL_SDK_DISABLED,
)
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExporter,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from . import __version__
from .rpc import CALLS

OTLP_DIRECTORY = "BENCHLAB_TARGET_OTLP_DIR"

CALL_DURATION = "rpc.server.call.duration"

_DURATION_VIEWS = [
    View(
        instrument_name=name,
        # 160 buckets that start as narrow as they can and widen until the data fits.
        aggregation=ExponentialBucketHistogramAggregation(max_size=160, max_scale=20),
    )
    for name in ("http.server.request.duration", CALL_DURATION)
]
# The instrumentation stores the response length in one attribute shared by all concurrent
# requests, so under load this metric records the lengths of other requests' responses.
_NO_RESPONSE_SIZE_VIEW = View(
    instrument_name="http.server.response.body.size", aggregation=DropAggregation()
)


@dataclass(frozen=True)
class Telemetry:
    """The providers of one application. A signal that is not exported has no provider."""

    tracer_provider: TracerProvider | None
    meter_provider: MeterProvider | None

    @property
    def tracer(self) -> trace.Tracer:
        """For spans of our own, below the SERVER span of the request being served."""
        return self._tracer_provider().get_tracer("target", __version__)

    def instrument(self, app: FastAPI, untraced: Sequence[str]) -> None:
        """Record every request of `app`, or leave it untouched when nothing is recorded.

        Requests to the paths `untraced`, and below them, are neither traced nor counted.
        """
        if self.tracer_provider is None and self.meter_provider is None:
            return
        # Read by the instrumentation the first time it is used in a process.
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
        FastAPIInstrumentor.instrument_app(
            app,
            # Handed over rather than registered globally: a process has one global provider,
            # which cannot be replaced, but may have several applications.
            tracer_provider=self._tracer_provider(),
            meter_provider=self.meter_provider or metrics.NoOpMeterProvider(),
            excluded_urls=rf"^https?://[^/]+({'|'.join(untraced)})(/[^?]*)?(\?|$)",
            # A span for each ASGI message would triple the number of spans for no benefit.
            exclude_spans=["receive", "send"],
        )

    def grpc_interceptors(self) -> list[Any]:
        """What records every gRPC call of the vector service; nothing when nothing is recorded."""
        interceptors = []
        if self.tracer_provider is not None:
            from opentelemetry.instrumentation.grpc import aio_server_interceptor

            traced = aio_server_interceptor(  # type: ignore[no-untyped-call]
                self.tracer_provider, filter_=_is_of_the_service
            )
            interceptors.append(traced)
        if self.meter_provider is not None:
            from .rpc.durations import durations_interceptor

            # Within the span, so that a duration can be an example of its trace.
            meter = self.meter_provider.get_meter("target", __version__)
            interceptors.append(durations_interceptor(meter, CALL_DURATION))
        return interceptors

    async def shutdown(self) -> None:
        """Write out everything recorded so far, then stop recording.

        Both signals at once: each may wait for an unreachable collector, 30 s at most.
        """
        providers = (self.tracer_provider, self.meter_provider)
        await asyncio.gather(
            *(asyncio.to_thread(provider.shutdown) for provider in providers if provider)
        )

    def _tracer_provider(self) -> trace.TracerProvider:
        return self.tracer_provider or trace.NoOpTracerProvider()


def _is_of_the_service(call: Any) -> bool:
    return call.method.startswith(CALLS)  # type: ignore[no-any-return]  # untyped


def telemetry_from_environment() -> Telemetry:
    """Set up what the environment asks for (see the module's table).

    Raises `ValueError` for settings that cannot work together or a directory that cannot be
    created, and `OSError` when a file in it cannot be written.
    """
    if os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true":
        return Telemetry(None, None)
    # Read by the SDK whenever it makes one of its parts.
    os.environ.setdefault(OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED, "true")
    resource = _resource()
    meter_provider = _meter_provider(resource)
    return Telemetry(_tracer_provider(resource, meter_provider), meter_provider)


def _resource() -> Resource:
    # The SDK adds service.instance.id, new in each process. Merged in this order so that
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win.
    ours = Resource({"service.name": "benchlab-target", "service.version": __version__})
    return Resource.create().merge(ours).merge(OTELResourceDetector().detect())


def _tracer_provider(
    resource: Resource, meter_provider: MeterProvider | None
) -> TracerProvider | None:
    exporters = _span_exporters(meter_provider)
    if not exporters:
        return None
    provider = TracerProvider(resource=resource)
    queue_size = _setting(OTEL_BSP_MAX_QUEUE_SIZE, 65_536)
    for exporter in exporters:
        provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=queue_size,
                # The SDK refuses a batch that is larger than the queue.
                max_export_batch_size=min(_setting(OTEL_BSP_MAX_EXPORT_BATCH_SIZE, 64), queue_size),
                schedule_delay_millis=_setting(OTEL_BSP_SCHEDULE_DELAY, 1000),
                meter_provider=meter_provider,
            )
        )
    return provider


def _meter_provider(resource: Resource) -> MeterProvider | None:
    interval_ms = _setting(OTEL_METRIC_EXPORT_INTERVAL, 5000)
    readers = [
        PeriodicExportingMetricReader(exporter, export_interval_millis=interval_ms)
        for exporter in _metric_exporters()
    ]
    if not readers:
        return None
    return MeterProvider(
        metric_readers=readers,
        resource=resource,
        views=[*_DURATION_VIEWS, _NO_RESPONSE_SIZE_VIEW],
    )


def _span_exporters(meter_provider: MeterProvider | None) -> list[SpanExporter]:
    if _is_off("OTEL_TRACES_EXPORTER"):
        return []
    exporters: list[SpanExporter] = []
    if _sends_to_collector(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL):
        # Imported where it is needed: gRPC takes a tenth of a second to load.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        exporters.append(OTLPSpanExporter(meter_provider=meter_provider))
    if path := _file("traces"):
        exporters.append(FileSpanExporter(path))
    return exporters


def _metric_exporters() -> list[MetricExporter]:
    if _is_off("OTEL_METRICS_EXPORTER"):
        return []
    exporters: list[MetricExporter] = []
    if _sends_to_collector(
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_PROTOCOL
    ):
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter

        exporters.append(OTLPMetricExporter())
    if path := _file("metrics"):
        exporters.append(FileMetricExporter(path, preferred_temporality=_file_temporality()))
    return exporters


def _file_temporality() -> dict[type, AggregationTemporality] | None:
    if os.environ.get(OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE):
        return None  # the exporter reads the variable itself
    return dict.fromkeys((Counter, Histogram, ObservableCounter), AggregationTemporality.DELTA)


def _is_off(exporter_variable: str) -> bool:
    return os.environ.get(exporter_variable, "").strip().lower() == "none"


def _sends_to_collector(endpoint_variable: str, protocol_variable: str) -> bool:
    environ = os.environ
    if not (environ.get(endpoint_variable) or environ.get(OTEL_EXPORTER_OTLP_ENDPOINT)):
        return False
    for variable in (protocol_variable, OTEL_EXPORTER_OTLP_PROTOCOL):
        if protocol := environ.get(variable):
            if protocol != "grpc":
                raise ValueError(
                    f"{variable} is {protocol!r}, but this service supports 'grpc' only: "
                    "unset it, and use the collector's gRPC port (usually 4317)"
                )
            break
    return True


def _file(signal: str) -> Path | None:
    directory = os.environ.get(OTLP_DIRECTORY)
    if not directory:
        return None
    path = Path(directory)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ValueError(
            f"{OTLP_DIRECTORY} is {directory!r}, which cannot be created ({exc.strerror}): "
            "name a directory that can be written"
        ) from exc
    # The exporters append without a lock between processes, so each process has its own files.
    return path / f"{signal}-{os.getpid()}.jsonl"


def _setting(variable: str, default: int) -> int:
    """Read a positive whole number that has another default here than in the SDK."""
    text = os.environ.get(variable)
    if not text:
        return default
    if not text.strip().isdecimal() or int(text) == 0:
        raise ValueError(f"{variable} must be a positive whole number, not {text!r}")
    return int(text)
