"""OTLP lines as in the tests of ingesting."""

from __future__ import annotations

from tests.telemetry.conftest import span_line

__all__ = ["span_line"]
