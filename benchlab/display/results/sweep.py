"""A sweep as people see it."""

from __future__ import annotations

from collections.abc import Sequence

from benchlab.analysis.sweep import Sweep, SweepPoint, SweepRun
from benchlab.display.banner import Banner, Level, banner
from benchlab.display.result_view import ResultView
from benchlab.display.results.capacity import rate_text
from benchlab.display.table import Table
from benchlab.experiments.sweep_progress import SweepProgress
from benchlab.text import one_line, plural
from benchlab.units import NS_PER_MS, format_narrow_ms, format_time_s

__all__ = [
    "NOTE",
    "cells",
    "heads",
    "latency_text",
    "point_level",
    "point_text",
    "progress_text",
    "result_text",
    "view",
]

_DASH = "–"
NOTE = "intervals are at 95 %, corrected for dependence within each run"

_LONGEST = 80
_FIGURES = ("requests/s", "errors", "p50, ms", "p50 95 %", "p99, ms", "p99 95 %")
_NARROW = (0, 2, 4, 5)  # of them, for a terminal and a card
_ERROR_LENGTH = 200


def view(result: Sweep) -> ResultView:
    """Its points with what was measured there; failures first among the warnings."""
    planned, done, failed = result.planned, len(result.points), len(result.failed)
    level: Level = "bad" if failed else "good" if done == planned else "caution"
    banner_text = f"{failed} of {plural(done, 'point')} failed" if failed else "complete"
    if not failed and done != planned:
        banner_text = f"{done} of {plural(planned, 'point')}" if planned else "not finished"
    return ResultView(
        title=f"sweep of {result.notebook} over {', '.join(result.names)}",
        banner=banner_text,
        level=level,
        sentence=_sentence(result),
        facts=_facts(result),
        warnings=(*result.warnings, *_failures(result)),
        tables=(_points(result),),
    )


def progress_text(progress: SweepProgress) -> str:
    """How many points are finished, which is measured, and the time left.

    >>> progress_text(SweepProgress(8, 2, 1, 1, {"connections": 4}, left_s=84.0))
    '3/8 points · 1 failed · connections=4 · about 1 min 24 s left'
    """
    parts = [f"{progress.skipped + progress.done}/{plural(progress.points, 'point')}"]
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.current:
        shown = ", ".join(f"{name}={value}" for name, value in progress.current.items())
        parts.append(one_line(shown, _LONGEST))
    if progress.left_s and progress.left_s >= 1:
        parts.append(f"about {format_time_s(progress.left_s)} left")
    return " · ".join(parts)


def point_text(point: SweepPoint) -> str:
    """A finished point in a line: its parameters, and what was measured or went wrong.

    >>> point_text(SweepPoint(number=1, parameters={"x": 1}, error="no service"))
    'x=1: failed: no service'
    """
    label = one_line(point.label, _LONGEST)
    if point.error:
        return f"{label}: failed: {one_line(point.error, _ERROR_LENGTH)}"
    texts = [
        f"{_figures(run)[0]} requests/s, p99 {format_narrow_ms(run.p99_ns)} ms,"
        f" {result_text(point, run)}"
        for run in point.runs
    ]
    return f"{label}: {'; '.join(texts) or 'done'}"


def heads(result: Sweep) -> list[str]:
    """The heads of the whole table of points."""
    repeat = ["repeat"] if _has_repeats(result) else []
    return ["point", "result", *result.names, *repeat, *_FIGURES, "run"]


def cells(result: Sweep, point: SweepPoint, run: SweepRun | None) -> list[str]:
    """A row of the whole table of points."""
    return [
        *_identity(result, point, run),
        *([str(point.repeat)] if _has_repeats(result) else []),
        *_figures(run),
        _DASH if run is None else run.run_id,
    ]


def _has_repeats(result: Sweep) -> bool:
    return any(point.repeat > 1 for point in result.points)


def _identity(result: Sweep, point: SweepPoint, run: SweepRun | None) -> list[str]:
    texts = point.texts
    values = (one_line(texts.get(name, _DASH), _LONGEST) for name in result.names)
    return [str(point.number), result_text(point, run), *values]


def result_text(point: SweepPoint, run: SweepRun | None) -> str:
    """How a point went, in a word or two."""
    if run is None:
        return "failed" if point.error else "no run"
    if run.verdict == "interrupted":
        return "ended early"
    return _banner(run).text


def point_level(point: SweepPoint, run: SweepRun | None) -> Level:
    """The colour of a point."""
    if run is None:
        return "bad" if point.error else "neutral"
    return _banner(run).level


def _banner(run: SweepRun) -> Banner:
    return banner(
        run.verdict,
        count=run.count,
        error_count=run.error_count,
        objective_count=run.objective_count,
        broken_count=run.broken_objective_count,
    )


def latency_text(low_ns: int | None, high_ns: int | None) -> str:
    """An interval in ms; open where it has no upper end.

    >>> latency_text(1_200_000, 1_400_000), latency_text(1_200_000, None), latency_text(None, None)
    ('1.200 to 1.400', '≥ 1.200', '–')
    """
    if low_ns is None:
        return _DASH
    low = format_narrow_ms(low_ns)
    return f"≥ {low}" if high_ns is None else f"{low} to {format_narrow_ms(high_ns)}"


def _figures(run: SweepRun | None) -> list[str]:
    if run is None:
        return [_DASH] * len(_FIGURES)
    return [
        _DASH if run.rate_rps is None else f"{run.rate_rps:,.1f}",
        f"{run.error_count:,}",
        format_narrow_ms(run.p50_ns),
        latency_text(run.p50_low_ns, run.p50_high_ns),
        format_narrow_ms(run.p99_ns),
        latency_text(run.p99_low_ns, run.p99_high_ns),
    ]


def _sentence(result: Sweep) -> str:
    best = _best(result.runs)
    if best is None:
        return "No point has a valid run."
    point = next(point for point in result.points if best in point.runs)
    p99 = "" if best.p99_ns is None else f", with a p99 of {best.p99_ns / NS_PER_MS:,.3g} ms"
    return (
        f"The highest rate is {rate_text(best.rate_rps)} requests/s at"
        f" {one_line(point.label, _LONGEST)}{p99}."
    )


def _best(runs: Sequence[SweepRun]) -> SweepRun | None:
    valid = [run for run in runs if run.verdict == "valid" and run.rate_rps is not None]
    return max(valid, key=lambda run: run.rate_rps or 0.0, default=None)


def _facts(result: Sweep) -> tuple[tuple[str, str], ...]:
    values = [
        (name, one_line(", ".join(str(value) for value in result.values(name)), _LONGEST))
        for name in result.names
    ]
    fixed = ", ".join(f"{name}={text}" for name, text in result.fixed.items())
    took_s = sum(point.took_s or 0.0 for point in result.points)
    points = (
        f"{len(result.points)} of {result.planned}" if result.planned else f"{len(result.points)}"
    )
    if result.skipped:
        points += f", {result.skipped} of them finished before"
    found = [
        ("points", points),
        *values,
        ("fixed", one_line(fixed, _LONGEST)),
        ("took", format_time_s(took_s) if took_s else ""),
        ("experiment", result.experiment_id if result.runs else ""),  # else it is not stored
    ]
    return tuple((name, text) for name, text in found if text)


def _failures(result: Sweep) -> list[str]:
    return [
        f"point {point.number} failed ({one_line(point.label, _LONGEST)}):"
        f" {one_line(point.error, _ERROR_LENGTH)}"
        for point in result.failed
    ]


def _points(result: Sweep) -> Table:
    pairs = [(point, run) for point in result.points for run in (point.runs or (None,))]
    return Table(
        ["point", "result", *result.names, *(_FIGURES[index] for index in _NARROW)],
        [
            [*_identity(result, point, run), *(_figures(run)[index] for index in _NARROW)]
            for point, run in pairs
        ],
        [point_level(point, run) for point, run in pairs],
        NOTE,
        "points",
    )
