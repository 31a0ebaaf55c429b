"""A notebook over a grid of parameters: one process per point, one after the other.

Points never run at the same time: two measurements on one machine would disturb each other.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchlab.display.banner import Banner, banner
from benchlab.errors import InputError, error_from_data
from benchlab.extras import require_extra
from benchlab.notebook import events
from benchlab.notebook.headless import convert_parameters, in_utf8, notebook_parameters
from benchlab.spool.storage import replace_text
from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.runs.verdict import Verdict

__all__ = ["Point", "free_directory", "grid", "sweep", "sweep_rows"]


@dataclass(frozen=True, slots=True)
class Point:
    """A point of the grid, and how it went: the ``exit_code`` of its process.

    ``error`` is empty when it went well.
    """

    number: int
    parameters: Mapping[str, str]
    directory: Path
    error: str = ""
    exit_code: int = 0

    @property
    def label(self) -> str:
        """The parameters in short."""
        return ", ".join(f"{name}={value}" for name, value in self.parameters.items())


OnPoint = Callable[[Point], None]


def grid(axes: Mapping[str, Sequence[str]]) -> Iterator[dict[str, str]]:
    """Every combination of the values on the axes, the last axis turning fastest.

    Raises:
        InputError: an axis without values.
    """
    for name, values in axes.items():
        if not values:
            raise InputError(f"the axis {name} has no values: write -g {name}=v1,v2")
    for combination in itertools.product(*axes.values()):
        yield dict(zip(axes, combination, strict=True))


def sweep(
    notebook: Path,
    axes: Mapping[str, Sequence[str]],
    fixed: Mapping[str, str],
    directory: Path | None = None,
    on_start: OnPoint | None = None,
    on_done: OnPoint | None = None,
) -> list[Point]:
    """Run ``notebook`` at every point and leave the results in ``directory``.

    Without ``directory`` that is ``reports/sweep-<time>``, with a number after it if another sweep
    has started in the same second.

    Each point has a directory of its own with its report; ``sweep.csv`` has a row per point,
    parameters and summary, and ``index.html`` links them. Both are rewritten after each point, so
    that an interrupted sweep has those of all finished points. A failing point does not stop the
    others.

    Raises:
        InputError: an unknown parameter, a value of the wrong type, nothing to vary, or a
            directory that holds another sweep.
        MissingPackageError: the extra "lab" is not installed.
    """
    require_extra("lab")
    axes = {name: [in_utf8(value) for value in values] for name, values in axes.items()}
    combinations = list(grid(axes))
    if not axes:
        raise InputError("there is nothing to vary: give at least one axis, -g name=v1,v2")
    both = sorted(set(axes) & set(fixed))
    if both:
        raise InputError(f"{both[0]} is both an axis and fixed: give it with -g or with -p")
    known = notebook_parameters(notebook)
    for combination in combinations:
        convert_parameters({**fixed, **combination}, known, notebook)
    if directory is None:
        directory = free_directory()
    elif not _claim(directory):
        raise InputError(f"{directory} holds another sweep: choose another directory with -o")
    done: list[Point] = []
    for number, combination in enumerate(combinations, 1):
        point = Point(number, combination, directory / _point_name(number))
        if on_start is not None:
            on_start(point)
        done.append(_run_point(notebook, {**fixed, **point.parameters}, point))
        write_index(notebook, done, directory)
        if on_done is not None:
            on_done(done[-1])
    return done


def sweep_rows(points: Sequence[Point]) -> list[dict[str, str]]:
    """One row per point: its number, parameters, the run's summary, and the error if it failed.

    Everything is text as it was given or written: ``007`` stays ``007``. Any other column with the
    name of a parameter is called ``measured_<name>``: the rate that was set is not the rate that
    was reached.
    """
    rows = []
    for point in points:
        given = point.parameters
        summary = {_beside(given, name): value for name, value in read_summary(point).items()}
        rows.append(
            {
                _beside(given, "point"): str(point.number),
                **given,
                **summary,
                _beside(given, "error"): point.error,
            }
        )
    return rows


def _beside(parameters: Mapping[str, str], name: str) -> str:
    """The name of a column that no parameter has."""
    while name in parameters:
        name = f"measured_{name}"
    return name


def read_summary(point: Point) -> dict[str, str]:
    """The summary of the point's run, as text; empty when it made none."""
    summary = point.directory / "summary.csv"
    if not summary.exists():
        return {}
    with summary.open(encoding="utf-8", newline="") as file:
        return next(csv.DictReader(file), {})


def write_index(notebook: Path, points: Sequence[Point], directory: Path) -> None:
    """Write ``sweep.csv`` and ``index.html``."""
    from jinja2 import Environment, PackageLoader

    replace_text(directory / "sweep.csv", _as_csv(sweep_rows(points)))
    environment = Environment(loader=PackageLoader("benchlab.report"), autoescape=True)
    rows = [
        {
            "point": point,
            "folder": point.directory.name,
            "has_page": (point.directory / "report.html").exists(),
            "summary": (summary := read_summary(point)),
            "banner": _banner(summary) if summary else None,
        }
        for point in points
    ]
    page = environment.get_template("sweep.html").render(
        notebook=notebook.name,
        points=plural(len(rows), "point"),
        rows=rows,
        axes=list(points[0].parameters),
    )
    replace_text(directory / "index.html", page)


def _banner(summary: Mapping[str, str]) -> Banner:
    """The banner of the run with this summary, which has no number of broken objectives."""
    count, error_count = int(summary["count"]), int(summary["error_count"])
    return banner(cast("Verdict", summary["verdict"]), count=count, error_count=error_count)


def _as_csv(rows: Sequence[Mapping[str, str]]) -> str:
    """``rows`` with the columns that any of them has; those of the longest row come first."""
    longest = max(rows, key=len)
    columns = list(dict.fromkeys(itertools.chain(longest, *rows)))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _point_name(number: int) -> str:
    return f"point-{number:03d}"


def free_directory() -> Path:
    """A new directory for a sweep that starts now: of this sweep alone."""
    started = time.strftime("sweep-%Y%m%d-%H%M%S")
    names = itertools.chain([started], (f"{started}-{number}" for number in itertools.count(2)))
    return next(place for name in names if _claim(place := Path("reports") / name))


def _claim(directory: Path) -> bool:
    """Make ``directory`` for this sweep; False if another has it, also one that starts now.

    Raises:
        InputError: it cannot be written to.
    """
    if next(directory.glob("point-*"), None) is not None:
        return False
    try:
        (directory / _point_name(1)).mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as exc:
        raise InputError(f"cannot write to {directory}: {exc.strerror}") from exc
    return True


def _run_point(notebook: Path, parameters: Mapping[str, str], point: Point) -> Point:
    with tempfile.TemporaryDirectory(prefix="benchlab-") as scratch:
        reports = Path(scratch) / "events"
        status, output = _run_report(notebook, parameters, point.directory, reports)
        found, _ = events.read(reports)
    errors = [error_from_data(event["error"]) for event in found if "error" in event]
    if status == 0:
        error = ""
    elif errors:
        error = str(errors[-1])
    else:  # it was killed, or failed as nobody expected: the end of a traceback
        error = (output.strip().splitlines() or [f"exit status {status}"])[-1]
    return replace(point, error=error, exit_code=status if status >= 0 else 1)  # or killed


def _run_report(
    notebook: Path, parameters: Mapping[str, str], directory: Path, reports: Path
) -> tuple[int, str]:
    """Run ``benchlab report`` and return its exit status and standard error."""
    command = [sys.executable, "-P", "-m", "benchlab", "report", str(notebook.absolute())]
    command += ["-o", str(directory), "--quiet", "--supervised"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end, also when this process is gone, interrupts the point
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, events.VARIABLE: str(reports)},
        process_group=0,  # Ctrl-C in the terminal is for this process alone
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps(dict(parameters)) + "\n")
        process.stdin.flush()
        try:
            output = process.stderr.read()
        except KeyboardInterrupt:  # the point reports what it has measured
            process.stdin.close()
            process.stderr.read()
            raise
    return process.returncode, output
