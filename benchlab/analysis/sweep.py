"""A sweep: a notebook at every point of a grid, and the runs that it made there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchlab.displayed import Result
from benchlab.errors import InputError
from benchlab.runs.verdict import Verdict
from benchlab.samples.percentile_interval import PercentileInterval
from benchlab.text import plural
from benchlab.units import NS_PER_MS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LATENCIES", "Sweep", "SweepPoint", "SweepRun"]

LATENCIES: Mapping[str, float] = {"p50": 0.5, "p99": 0.99}
"""The percentiles of a run that a sweep has, with their intervals."""

_AS_STORED = (
    "run_id",
    "name",
    "verdict",
    "reason",
    "count",
    "error_count",
    "objective_count",
    "broken_objective_count",
    "rate_rps",
)


@dataclass(frozen=True, kw_only=True)
class SweepRun:
    """A run of a point. Latencies are in ns, with the limits of their 95 % intervals.

    None is what was not measured, or an interval that is open on that side.
    """

    run_id: str
    name: str
    verdict: Verdict
    reason: str = ""
    count: int
    error_count: int
    objective_count: int = 0
    broken_objective_count: int = 0
    rate_rps: float | None
    p50_ns: int | None = None
    p50_low_ns: int | None = None
    p50_high_ns: int | None = None
    p99_ns: int | None = None
    p99_low_ns: int | None = None
    p99_high_ns: int | None = None

    @classmethod
    def of(cls, run: Mapping[str, Any], intervals: Sequence[PercentileInterval]) -> SweepRun:
        """The figures of a row of `Store.rows`, and the `intervals` of its `LATENCIES`."""
        figures: dict[str, Any] = {name: run[name] for name in _AS_STORED}
        for name, found in zip(LATENCIES, intervals, strict=True):
            figures[f"{name}_ns"] = found.value_ns
            figures[f"{name}_low_ns"] = found.low_ns
            figures[f"{name}_high_ns"] = found.high_ns
        return cls(**figures)

    def flat(self) -> dict[str, Any]:
        """The figures as columns, latencies in ms."""
        row: dict[str, Any] = {name: getattr(self, name) for name in _AS_STORED}
        for name in LATENCIES:
            for side in ("", "_low", "_high"):
                value_ns = getattr(self, f"{name}{side}_ns")
                row[f"latency_{name}{side}_ms"] = None if value_ns is None else value_ns / NS_PER_MS
        return row


_NO_RUN: Mapping[str, Any] = dict.fromkeys(
    SweepRun(run_id="", name="", verdict="valid", count=0, error_count=0, rate_rps=None).flat()
)


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """A point that is finished: its swept ``parameters``, and what came of it.

    ``given`` are the parameters as they were written; credentials are hidden in both. ``repeat``
    counts from 1. ``error`` is empty unless the point failed; ``exit_code`` is that of the error.
    ``length_s`` is the time that its parameters ask for, if they say, and ``took_s`` what it took.
    """

    number: int
    parameters: Mapping[str, Any]
    given: Mapping[str, str] = field(default_factory=dict)
    repeat: int = 1
    runs: tuple[SweepRun, ...] = ()
    error: str = ""
    exit_code: int = 0
    length_s: float | None = None
    took_s: float | None = None

    @property
    def label(self) -> str:
        """The parameters in short."""
        texts = [f"{name}={text}" for name, text in self.texts.items()]
        return ", ".join([*texts, *([f"repeat {self.repeat}"] if self.repeat > 1 else [])])

    @property
    def texts(self) -> dict[str, str]:
        """The parameters as text, as they were written if that is known."""
        return {name: self.given.get(name, str(value)) for name, value in self.parameters.items()}

    @property
    def folder(self) -> str:
        """The name of its directory."""
        return f"point-{self.number:03d}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {**asdict(self), "runs": [asdict(run) for run in self.runs]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SweepPoint:
        """The point that `to_dict` wrote."""
        return cls(**{**data, "runs": tuple(SweepRun(**run) for run in data["runs"])})


@dataclass(frozen=True, kw_only=True)
class Sweep(Result):
    """A notebook at every point of a grid: one row per point and run.

    ``names`` are the swept parameters. ``planned`` is the number of points in the grid, with
    repeats, of which ``points`` are finished; ``skipped`` of these were finished before. It is 0
    where only the runs of a sweep are known, which was not finished.
    ``fixed`` are the parameters that are the same at every point. ``experiment_id`` is that of the
    stored experiment, and ``directory`` has ``index.html``, ``sweep.csv`` and a report per point;
    None if it is not known. ``origin`` says in a line what was run where.
    """

    notebook: str
    names: tuple[str, ...]
    points: tuple[SweepPoint, ...]
    planned: int
    experiment_id: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    skipped: int = 0
    directory: Path | None = None
    warnings: tuple[str, ...] = ()
    origin: str = ""

    @property
    def failed(self) -> tuple[SweepPoint, ...]:
        """The points that failed, or whose run is invalid."""
        return tuple(point for point in self.points if point.error)

    @property
    def runs(self) -> tuple[SweepRun, ...]:
        """The runs of all points, in the order of the points."""
        return tuple(run for point in self.points for run in point.runs)

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The ids of the runs of all points."""
        return tuple(run.run_id for run in self.runs)

    @property
    def varied(self) -> tuple[str, ...]:
        """The swept parameters of which there are several values."""
        return tuple(name for name in self.names if len(self.values(name)) > 1)

    def values(self, name: str) -> list[Any]:
        """The values of a swept parameter: numbers by size, others as they come.

        Raises:
            InputError: it was not swept.
        """
        if name not in self.names:
            raise InputError(
                "is not a swept parameter",
                field="name",
                value=name,
                remedy=f"there are {', '.join(self.names)}",
            )
        found: list[Any] = []
        for point in self.points:
            value = point.parameters.get(name)
            if name in point.parameters and value not in found:
                found.append(value)
        return sorted(found) if all(map(_is_number, found)) else found

    def where(self, **parameters: Any) -> Sweep:
        """The points of these values only: ``sweep.where(workers=1)``.

        Raises:
            InputError: an unknown parameter, or no point has these values.
        """
        for name in parameters:
            self.values(name)
        kept = tuple(
            point
            for point in self.points
            if all(point.parameters.get(name) == value for name, value in parameters.items())
        )
        if not kept:
            wanted = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
            raise InputError(f"no point of the sweep has {wanted}")
        return replace(self, points=kept, planned=len(kept) if self.planned else 0)

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON-ready dict."""
        return {
            "experiment_id": self.experiment_id,
            "notebook": self.notebook,
            "names": list(self.names),
            "fixed": dict(self.fixed),
            "planned": self.planned,
            "skipped": self.skipped,
            "points": [point.to_dict() for point in self.points],
            "warnings": list(self.warnings),
            "origin": self.origin,
        }

    def rows(self, *, as_given: bool = False) -> list[dict[str, Any]]:
        """One row per point and run: ``point``, ``repeat``, parameters, figures, ``error``.

        A point without a run has one row. A column with the name of a parameter is called
        ``measured_<name>``: the rate that was set is not the rate that was reached. Parameters are
        values or, ``as_given``, the text that was written: ``007`` stays ``007``.
        """
        return [
            self._row(point, figures, as_given=as_given)
            for point in self.points
            for figures in [run.flat() for run in point.runs] or [dict(_NO_RUN)]
        ]

    def to_pandas(self) -> pd.DataFrame:
        """The `rows` as a frame."""
        import pandas as pd

        frame = pd.DataFrame(self.rows(), columns=self.columns())
        numbers = [self._beside(name) for name in _NO_RUN if name.endswith(("_rps", "_ms"))]
        return frame.astype(dict.fromkeys(numbers, "float64"))

    def columns(self) -> list[str]:
        """The columns of `rows`."""
        blank = SweepPoint(number=0, parameters={})
        return list(self._row(blank, _NO_RUN, as_given=False))

    def _row(
        self, point: SweepPoint, figures: Mapping[str, Any], *, as_given: bool
    ) -> dict[str, Any]:
        parameters = point.texts if as_given else point.parameters
        before = {"point": point.number, "repeat": point.repeat}
        after = {**figures, "took_s": point.took_s, "error": point.error}
        return {
            **{self._beside(name): value for name, value in before.items()},
            **{name: parameters.get(name) for name in self.names},
            **{self._beside(name): value for name, value in after.items()},
        }

    def _beside(self, name: str) -> str:
        """The name of a column that no parameter has."""
        return beside(name, self.names)

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        done = len(self.points)
        points = (
            f"{done} of {plural(self.planned, 'point')}" if self.planned else plural(done, "point")
        )
        return f"<Sweep of {self.notebook} over {', '.join(self.names)}: {points}{failed}>"


def beside(name: str, taken: Iterable[str]) -> str:
    """``name``, with ``measured_`` before it as often as it takes to be none of those taken."""
    taken = set(taken)
    while name in taken:
        name = f"measured_{name}"
    return name


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
