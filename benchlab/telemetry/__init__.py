"""What the service under test says about itself: OTLP files into the Collector's tables."""

from __future__ import annotations

from benchlab.telemetry.intake import IngestReport, ingest

__all__ = ["IngestReport", "ingest"]
