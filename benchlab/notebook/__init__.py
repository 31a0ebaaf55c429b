"""Helpers for notebooks: start a service, show progress, write the report."""

from __future__ import annotations

from benchlab.notebook.helpers import (
    Service,
    collect_telemetry,
    finish,
    service,
    show_progress,
)

__all__ = [
    "Service",
    "collect_telemetry",
    "finish",
    "service",
    "show_progress",
]
