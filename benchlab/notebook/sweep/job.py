"""What the process of a point is given, and what it gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchlab.analysis.sweep import SweepRun

__all__ = ["Job", "Outcome"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A point to measure: a notebook, its parameters as text, and where its report goes.

    ``tags`` are those of all runs that it makes. ``cores`` are the processor cores that it and all
    that it starts are kept on; empty: any.
    """

    notebook: str
    parameters: Mapping[str, str]
    directory: str
    tags: Mapping[str, str] = field(default_factory=dict)
    cores: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a point. ``error`` is empty if it went well.

    A point that was ``interrupted`` is not finished: it is measured again when the sweep is.
    """

    runs: tuple[SweepRun, ...] = ()
    error: str = ""
    exit_code: int = 0
    interrupted: bool = False

    def to_json(self) -> str:
        """The outcome as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """The outcome that `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        return cls(**{**data, "runs": tuple(SweepRun(**run) for run in data["runs"])})


def job_files(directory: Path) -> tuple[Path, Path, Path]:
    """The files by which a point's process reports: its events, its outcome, its errors."""
    return directory / "events", directory / "outcome.json", directory / "errors"
