"""A run or any result as JUnit XML: objectives and answers as test cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from benchlab.analysis.capacity import Capacity
from benchlab.analysis.comparison import Comparison
from benchlab.analysis.sweep import Sweep, SweepPoint
from benchlab.analysis.trend import Trend
from benchlab.display.junit import Case, junit_xml
from benchlab.display.results.comparison_junit import comparison_junit
from benchlab.display.results.registry import view_of
from benchlab.display.results.sweep import point_text
from benchlab.display.run_view import view
from benchlab.display.text import host_text
from benchlab.displayed import Result
from benchlab.runs.run import Run
from benchlab.statistics.change import Change
from benchlab.text import printable

__all__ = ["junit"]


def junit(result: Run | Result, fail_on: Sequence[Change] = ()) -> str:
    """``result`` as JUnit XML.

    A run has a test case for the measurement and one for each of its objectives, a comparison one
    for each metric (of which one fails on the verdicts ``fail_on``), a sweep one for each point,
    any other result one.
    """
    if isinstance(result, Run):
        return _of_run(result)
    if isinstance(result, Comparison):
        return comparison_junit(result, fail_on)
    return _of_result(result)


def _of_run(run: Run) -> str:
    """An objective that is broken is a failure, and so is the condition of an abort that was met.

    A run that does not count otherwise, such as one that a fault stopped, is an error. Its
    objectives are skipped, for they were evaluated on numbers that say nothing. So the file has a
    failure or an error exactly if the exit code of the command is not 0.
    """
    shown = view(run)
    counts = run.verdict in ("valid", "imported")
    is_failure = run.stop_reason and not run.fault_error
    cases = [
        Case(
            "measurement",
            f"{run.verdict}: {shown.reason or shown.meaning}",
            "passed" if counts else "failure" if is_failure else "error",
            run.verdict,
        ),
        *(
            Case(
                str(objective.objective),
                objective.describe(),
                "skipped" if not counts else "passed" if objective.met else "failure",
                objective.outcome,
            )
            for objective in run.objectives
        ),
    ]
    summary = run.summary
    return junit_xml(
        f"{shown.name}: {shown.load}",
        "benchlab.run",
        cases,
        properties={
            "run_id": run.id,
            "verdict": run.verdict,
            "target": shown.target,
            "load": shown.load,
            "host": host_text(run),
            "count": str(summary.count),
            "error_count": str(summary.error_count),
            "rate_rps": f"{summary.rate_rps:.6g}",
            **{f"latency_{key}": text for key, text in _latencies(run).items()},
        },
        time_s=summary.duration_s,
        timestamp=run.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
        output="\n".join([*run.warnings, *map(printable, shown.hints)]),
    )


def _latencies(run: Run) -> dict[str, str]:
    latency = run.summary.latency_ns
    return {} if latency is None else {f"{key}_ns": str(v) for key, v in latency.to_dict().items()}


def _of_result(result: Result) -> str:
    shown = view_of(result)
    kind = type(result).__name__.lower()
    text = f"{shown.banner}: {shown.sentence}" if shown.sentence else shown.banner
    return junit_xml(
        shown.title,
        f"benchlab.{kind}",
        _points(result) if isinstance(result, Sweep) else [_answer(result, kind, text)],
        properties=dict(shown.facts),
        time_s=result.took_s if isinstance(result, Capacity) else 0,
        output="\n".join(shown.warnings),
    )


def _points(result: Sweep) -> list[Case]:
    """A point that failed is an error; one that broke an objective or met its abort a failure."""
    return [Case(point.label, point_text(point), *_outcome(point)) for point in result.points]


def _outcome(point: SweepPoint) -> tuple[Literal["passed", "failure", "error"], str]:
    if point.error:
        return "error", "failed"
    if any(run.broken_objective_count or run.verdict == "interrupted" for run in point.runs):
        return "failure", "objective broken"
    return "passed", ""


def _answer(result: Result, kind: str, text: str) -> Case:
    match result:
        case Capacity(rate_rps=None, limited_by="service"):
            return Case(result.objective, text, "failure", "no rate met it")
        case Capacity(rate_rps=None):
            return Case(result.objective, text, "error", "no rate was shown to meet it")
        case Capacity():
            return Case(result.objective, text)
        case Trend() if result.regression is not None:
            return Case(result.metric, text, "failure", "regression")
        case Trend():
            return Case(result.metric, text)
        case _:
            return Case(kind, text)
