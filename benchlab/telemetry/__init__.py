"""Ingest OTLP files: the telemetry of the service under test, into the Collector's tables."""

from __future__ import annotations

from benchlab.telemetry.follow import follow
from benchlab.telemetry.intake import Fault, IngestReport, PartialLine, ingest

__all__ = ["Fault", "IngestReport", "PartialLine", "follow", "ingest"]
