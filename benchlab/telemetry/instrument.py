"""Record what a service does, in the files that `ingest` reads.

It runs in the process of the service under test, and imports nothing of benchlab that makes load or
opens a store. OpenTelemetry is imported when it is used: it comes with the extra "target".
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchlab.errors import InputError
from benchlab.extras import require_extra

if TYPE_CHECKING:
    from fastapi import FastAPI
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from starlette.applications import Starlette

__all__ = ["instrument"]

_DEFAULTS = {
    # Stable names, and durations in seconds instead of whole milliseconds.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    # The SDK counts the spans that a full queue dropped: benchlab reports them.
    "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
    # A queue for 20 s of a busy service, and small batches: an export holds the interpreter.
    "OTEL_BSP_MAX_QUEUE_SIZE": "65536",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "64",
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
    # Several points within a short run, which add up.
    "OTEL_METRIC_EXPORT_INTERVAL": "5000",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": (
        "base2_exponential_bucket_histogram"
    ),
}
"""Variables of the SDK and of the instrumentation that get another default here."""


@dataclass(frozen=True)
class _Recorder:
    """What writes the files of this process."""

    directory: Path
    tracer_provider: TracerProvider
    processor: BatchSpanProcessor
    meter_provider: MeterProvider

    def flush(self) -> None:
        """Write out what was recorded so far."""
        self.processor.force_flush()
        self.meter_provider.force_flush()


_recorder: _Recorder | None = None


def instrument(
    app: Starlette | None = None, otlp_dir: Path | str = "otlp", *, service_name: str = ""
) -> None:
    """Record the spans and metrics of this process, for ``benchlab ingest``.

    Call it once in the service under test, when its FastAPI or Starlette ``app`` has been made.
    Every request becomes a SERVER span, and counts in the histogram
    ``http.server.request.duration``. They are written to ``traces-<pid>.jsonl`` and
    ``metrics-<pid>.jsonl`` in ``otlp_dir``, which is created: while the service runs, and when it
    ends. So are spans of your own, from ``opentelemetry.trace.get_tracer(…)``, and those of other
    instrumentations.

    Without ``app`` only the files are set up, for programs that are instrumented otherwise (Flask,
    Django, gRPC). Where OpenTelemetry is set up already, its spans go where they went before, and
    into the files as well.

    ``service_name`` is the service's name in results; without it ``OTEL_SERVICE_NAME`` is. The
    SDK's other variables keep their meaning, and ``OTEL_PYTHON_FASTAPI_EXCLUDED_URLS`` leaves
    requests out.

    Raises:
        MissingPackageError: the extra "target" is not installed.
        InputError: ``app`` is of another framework, the directory cannot be written, or this
            process writes to another one.
    """
    global _recorder  # noqa: PLW0603 - a process has one global provider, which is set only once
    require_extra("target")
    if app is not None and not hasattr(getattr(app, "router", None), "lifespan_context"):
        raise InputError(
            f"must be a FastAPI or Starlette application, not {type(app).__name__}",
            field="app",
            remedy="call bl.instrument(otlp_dir=…) without one, and the framework's own"
            " instrumentation of OpenTelemetry",
        )
    directory = Path(otlp_dir).absolute()
    if _recorder is None:
        _recorder = _record(directory, service_name)
    elif _recorder.directory != directory:
        raise InputError(
            f"this process writes its telemetry to {_recorder.directory} already",
            field="otlp_dir",
            value=str(otlp_dir),
            remedy="name the same directory, or start another process",
        )
    if app is not None:
        _instrument_app(app, _recorder)


def _instrument_app(app: Starlette, recorder: _Recorder) -> None:
    if getattr(app, "_is_instrumented_by_opentelemetry", False):
        return
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.instrument_app(
        cast("FastAPI", app),  # it uses what a Starlette application has as well
        tracer_provider=recorder.tracer_provider,
        meter_provider=recorder.meter_provider,
        # A span for each ASGI message would triple the number of spans for no benefit.
        exclude_spans=["receive", "send"],
    )
    _flush_at_the_end(app, recorder)


def _flush_at_the_end(app: Starlette, recorder: _Recorder) -> None:
    """Servers end by the signal that stopped them: what runs at a normal exit does not run."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: Any) -> AsyncIterator[Any]:
        async with inner(application) as state:
            yield state
        await asyncio.to_thread(recorder.flush)

    app.router.lifespan_context = lifespan


def _record(directory: Path, service_name: str) -> _Recorder:
    for variable, value in _DEFAULTS.items():
        os.environ.setdefault(variable, value)
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.json.file import FileSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({SERVICE_NAME: service_name} if service_name else {})
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Files are appended to without a lock: each process has its own.
        spans = FileSpanExporter(directory / f"traces-{os.getpid()}.jsonl")
        meter_provider = _meter_provider(directory / f"metrics-{os.getpid()}.jsonl", resource)
    except OSError as exc:
        raise InputError(
            f"cannot write telemetry to {directory} ({exc.strerror})",
            field="otlp_dir",
            value=str(directory),
            remedy="name a directory that can be written",
        ) from exc
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(resource=resource)
        trace.set_tracer_provider(provider)
    processor = BatchSpanProcessor(spans, meter_provider=meter_provider)
    provider.add_span_processor(processor)
    return _Recorder(directory, provider, processor, meter_provider)


def _meter_provider(path: Path, resource: Resource) -> MeterProvider:
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.json.file import FileMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.metrics.view import DropAggregation, View

    provider = MeterProvider(
        metric_readers=[PeriodicExportingMetricReader(FileMetricExporter(path))],
        resource=resource,
        # The instrumentation keeps the length of a response where all concurrent requests share it:
        # under load it is that of another request.
        views=[
            View(instrument_name="http.server.response.body.size", aggregation=DropAggregation())
        ],
    )
    if not isinstance(metrics.get_meter_provider(), MeterProvider):
        metrics.set_meter_provider(provider)
    return provider
