"""An experiment: several runs that were made to answer one question."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from benchlab.units import utc_from_ns

__all__ = [
    "EXPERIMENT_TAG",
    "POINT_TAG",
    "REPEAT_TAG",
    "SWEPT_TAG",
    "TAGS_VARIABLE",
    "Experiment",
    "with_tags_of_experiment",
]

EXPERIMENT_TAG: Final = "experiment"
"""The tag of a run that belongs to an experiment; its value is the experiment's id."""

POINT_TAG: Final = "point"
"""The tag of a run with the number of its point in a sweep, from 1."""

REPEAT_TAG: Final = "repeat"
"""The tag of a run with the number of the repeat of its point, from 1."""

SWEPT_TAG: Final = "swept."
"""How the tags begin that have the swept parameters of a run: ``swept.connections``."""

TAGS_VARIABLE: Final = "BENCHLAB_EXPERIMENT_TAGS"
"""The environment variable with tags, as a JSON object, of all runs that a process makes.

A sweep sets it for the kernel of a point: a notebook need not know that it is swept.
"""


def with_tags_of_experiment(tags: Mapping[str, str]) -> dict[str, str]:
    """The ``tags`` of a run that is made now, and those of the sweep that this process belongs to.

    A run of an experiment of its own, such as an A/B in a notebook that is swept, stays with that.
    """
    text = os.environ.get(TAGS_VARIABLE)
    if not text or EXPERIMENT_TAG in tags:
        return dict(tags)
    return {**tags, **json.loads(text)}


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
