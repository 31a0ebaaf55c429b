"""A page of each kind of report, from numbers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchlab.analysis.comparison import Comparison
from benchlab.analysis.fault_effects import resilience_of
from benchlab.analysis.independent_runs import compare_runs
from benchlab.analysis.scalability import scalability
from benchlab.analysis.trend import Trend
from benchlab.displayed import Result
from benchlab.experiments.trend import trend_of
from benchlab.report import write_report
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.samples.examples import make_example
from tests.analysis.faulty import faulty_run
from tests.display.results.test_capacity import make_capacity
from tests.display.results.test_sweep import make_sweep
from tests.experiments.histories import drawn_ms, history_of
from tests.plots.test_attribution import attribution
from tests.runs.floors import ENVIRONMENT, make_floor
from tests.runs.synthetic import join_server, make_buckets, make_run, make_trace
from tests.statistics.test_usl import RAYTRACER

__all__ = ["LONG_TABLE", "RESULTS", "result_of", "write_run_page"]

LONG_TABLE = pd.DataFrame(
    {
        "city": [f"city {number * 7 % 40:02d}" for number in range(40)],
        "took": [f"{number * 13 % 40 * 50:,} ms" for number in range(39)] + ["–"],
        "note": ["=1+1", *["plain"] * 39],
    }
)
"""Of 40 rows, which are not sorted by anything."""


def _made() -> Run:
    floor = {"calibration": {"floor": make_floor().to_dict()}}
    return make_run(environment={**ENVIRONMENT, **floor}, name="checkout")


def _comparison() -> Comparison:
    runs = [replace(_made(), id=f"0193f0a1b2c3d4{number:02x}") for number in range(6)]
    return compare_runs(runs[:3], runs[3:])


def _trend() -> Trend:
    values_ms = np.concatenate([drawn_ms(40, step=1.3, at=20), drawn_ms(20, seed=1)])
    return trend_of(history_of([float(value) for value in values_ms]), "nightly", "p99")


_MAKERS: Mapping[str, Callable[[], Result]] = {
    "comparison": _comparison,
    "capacity": lambda: replace(make_capacity(), origin=origin_of([_made()])),
    "attribution": lambda: replace(attribution(), origin=origin_of([_made()])),
    "resilience": lambda: resilience_of(faulty_run(1, errors=True, depth=0.5)),
    "scalability": lambda: replace(scalability(*RAYTRACER), origin=origin_of([_made()])),
    "sweep": lambda: replace(
        make_sweep(2, connections=[1, 2, 4], workers=[1, 2]), origin=origin_of([_made()])
    ),
    "trend": _trend,
}

RESULTS = tuple(_MAKERS)
"""The types of results that have a page with figures."""


@cache
def result_of(kind: str) -> Result:
    """An example of one of the `RESULTS`."""
    return _MAKERS[kind]()


def write_run_page(directory: Path) -> Path:
    """That of a run with everything a page can show, and with foreign text."""
    run = make_run(
        stall=True,
        errors=True,
        trace_ratio=1.0,
        name="n" * 80,
        environment=_made().environment,
        slo=["p99<50ms", "error_ratio<1%"],
    )
    script = b"<script>document.title = 'taken'</script>" + b"x" * 3000
    headers = [("X-Long", "y" * 300)]
    example = make_example("check", "a" * 80, 1, 2, 200, "z" * 400, headers, script, len(script))
    run = replace(run, examples=(example,))
    server = ServerSide(
        join_server(run), TraceCoverage(1000, 1000), (make_trace(run),), make_buckets(run)
    )
    return write_report(run, directory, server=server, extra={"Cities": LONG_TABLE})
