"""The lane of a test follows from the place of its file.

A lane is a pytest marker, and every test is in exactly one: ``pytest -m unit``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path, PurePosixPath

__all__ = ["ALONE", "LANES", "LANE_OF", "is_alone", "lane_of"]

LANES = {
    "unit": "values in this process: no other process, no engine, no server (make test-fast)",
    "process": "starts workers, services or commands: every file that is in no other lane",
    "store": "opens the embedded engine, or talks to the ClickHouse front",
    "e2e": "notebooks, documentation, pages and figures as people use them: kernels, a browser",
    "stack": "the files of the stack, the Collector, Grafana's queries",
    "benchmark": "measures speed against peers (make bench)",
}
"""What each lane holds, by its marker."""

LANE_OF = {
    "analysis": "unit",
    "benchmarks": "benchmark",
    "cli/options": "unit",
    "cli/options/test_grpc.py": "process",
    "cli/terminal/test_console.py": "unit",
    "cli/terminal/test_run.py": "unit",
    "cli/terminal/test_tables.py": "unit",
    "cli/test_exit_codes.py": "unit",
    "clickhouse_front": "store",
    "collector": "stack",
    "display": "unit",
    "docs": "e2e",
    "docs/test_commands.py": "unit",
    "docs/test_generated.py": "process",
    "docs/test_json.py": "unit",
    "docs/test_links.py": "unit",
    "docs/test_site.py": "unit",
    "e2e": "e2e",
    "exchange": "store",
    "faults/test_timetable.py": "unit",
    "exchange/test_broken_files.py": "process",
    "exchange/test_foreign.py": "unit",
    "exchange/test_mutated.py": "unit",
    "exchange/test_formats.py": "unit",
    "exchange/tools": "unit",
    "experiments/test_ab_design.py": "unit",
    "experiments/test_against.py": "unit",
    "experiments/test_probing.py": "unit",
    "experiments/test_simulated.py": "unit",
    "experiments/test_compare.py": "store",
    "experiments/test_history.py": "store",
    "experiments/test_unfinished.py": "store",
    "fuzz": "store",
    "golden": "e2e",
    "watch/test_pick_in_a_browser.py": "e2e",
    "lab": "e2e",
    "load/arrivals": "unit",
    "load/arrivals/test_shapes.py": "process",
    "load/cluster/test_clock.py": "unit",
    "load/cluster/test_dealing.py": "unit",
    "load/cluster/test_mirror.py": "unit",
    "load/cluster/test_plan_files.py": "unit",
    "load/drivers/scenario/client/test_connection.py": "unit",
    "load/drivers/test_checking.py": "unit",
    "load/drivers/test_corpus.py": "unit",
    "load/drivers/test_registry.py": "unit",
    "load/drivers/test_rendering.py": "unit",
    "load/drivers/test_response.py": "unit",
    "load/recording/test_examples.py": "unit",
    "load/recording/test_recorder.py": "unit",
    "load/supervisor/test_series.py": "unit",
    "load/supervisor/test_tally.py": "unit",
    "notebook/headless": "unit",
    "notebook/headless/test_kernels.py": "e2e",
    "notebook/sweep": "unit",
    "notebook/sweep/test_processes.py": "e2e",
    "plan": "unit",
    "plan/grpc": "process",
    "plots": "unit",
    "plots/test_in_a_kernel.py": "e2e",
    "plots/test_rules.py": "e2e",
    "processes": "unit",
    "report": "unit",
    "report/test_in_a_browser.py": "e2e",
    "report/test_page.py": "e2e",
    "report/test_pdf.py": "e2e",
    "report/test_serve.py": "process",
    "runs": "unit",
    "samples": "unit",
    "stack": "stack",
    "statistics": "unit",
    "store": "store",
    "target/faults/test_access.py": "unit",
    "target/faults/test_documented.py": "unit",
    "target/faults/test_in_process.py": "unit",
    "telemetry": "store",
    "test_docstrings.py": "unit",
    "test_in_ipython.py": "unit",
    "test_lanes.py": "unit",
    "test_project.py": "unit",
    "test_public_api.py": "unit",
    "test_redact.py": "unit",
    "test_text.py": "unit",
    "test_units.py": "unit",
    "trials/test_judge.py": "unit",
    "trials/test_recorded.py": "unit",
    "trials/test_strength.py": "unit",
    "trials/test_trial.py": "unit",
}
"""The lane of a directory or a file below tests; the longest path that fits counts."""

ALONE = {
    "truth",  # latencies against what theory says
}
"""Tests whose result depends on the processor: they run after the others, one at a time."""


@cache
def lane_of(path: PurePosixPath) -> str:
    """The lane of the file at ``path``, which is relative to tests.

    >>> lane_of(PurePosixPath("cli/options/test_run.py"))
    'unit'
    """
    for place in (path, *path.parents):
        if str(place) in LANE_OF:
            return LANE_OF[str(place)]
    return "process"


@cache
def is_alone(path: PurePosixPath) -> bool:
    """Whether the file at ``path``, relative to tests, runs while nothing else does."""
    return any(str(place) in ALONE for place in (path, *path.parents))


@cache
def relative_to_tests(path: Path) -> PurePosixPath:
    """Where a file is below tests, as the tables above name it."""
    return PurePosixPath(path.relative_to(Path(__file__).parent))
