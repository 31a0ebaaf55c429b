"""What notebooks need beside the library: a service, a progress line, a report."""

from __future__ import annotations

from benchlab.notebook.helpers import (
    Service,
    collect_telemetry,
    finish,
    plan_parameters,
    service,
    show_progress,
)

__all__ = [
    "Service",
    "collect_telemetry",
    "finish",
    "plan_parameters",
    "service",
    "show_progress",
]
