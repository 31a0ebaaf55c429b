"""Helpers for notebooks: start a service, show progress, write the report."""

from benchlab.notebook.helpers import (
    plan_parameters,
    show_ab_progress,
    show_capacity_progress,
    show_progress,
    show_sweep_progress,
)
from benchlab.notebook.results import finish, stored_result
from benchlab.notebook.service import Service, collect_telemetry, service

__all__ = [
    "Service",
    "collect_telemetry",
    "finish",
    "plan_parameters",
    "service",
    "show_ab_progress",
    "show_capacity_progress",
    "show_progress",
    "show_sweep_progress",
    "stored_result",
]


def __dir__() -> list[str]:
    """The helpers alone: completion shall not offer modules."""
    return __all__
