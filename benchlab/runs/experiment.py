"""An experiment: several runs that were made to answer one question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from benchlab.units import utc_from_ns

__all__ = ["EXPERIMENT_TAG", "Experiment"]

EXPERIMENT_TAG: Final = "experiment"
"""The tag of a run that belongs to an experiment; its value is the experiment's id."""


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What was asked, which runs were made for it, and what they say.

    ``id`` is like that of a run (`benchlab.runs.head.new_run_id`). ``kind`` is the function that
    made it, such as ``ab``. ``design`` and ``result`` are JSON-ready; ``run_ids`` are in the order
    in which the runs were made.
    """

    id: str
    kind: str
    name: str
    started_at_ns: int
    run_ids: tuple[str, ...]
    design: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def started_at(self) -> datetime:
        """When its first run was about to start: aware, UTC."""
        return utc_from_ns(self.started_at_ns)
