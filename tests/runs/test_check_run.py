"""What is given in the place of a run is refused, with the way to a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import benchlab as bl
from benchlab.errors import InputError
from benchlab.runs.run import check_run
from tests.runs.synthetic import make_buckets, make_run

RUN = make_run(duration_s=1, warmup_s=0)
TAKE_A_RUN: dict[str, Callable[[Any], object]] = {
    "write_report": lambda value: bl.write_report(value, Path("none")),
    "export_run": bl.export_run,
    "save": lambda value: bl.Store().save(value),
    "finish": lambda value: bl.notebook.finish(bl.Store(), value),
    "histogram": bl.plots.histogram,
    "percentiles": bl.plots.percentiles,
    "timeline": bl.plots.timeline,
    "server_histogram": lambda value: bl.plots.server_histogram(value, make_buckets(RUN)),
}


@pytest.mark.parametrize("name", TAKE_A_RUN)
def test_an_id_in_the_place_of_a_run_names_the_reader_of_the_store(name: str) -> None:
    with pytest.raises(InputError) as caught:
        TAKE_A_RUN[name]("latest")
    assert str(caught.value) == (
        "run='latest' is text and not a run: read it from the store, bl.Store().load('latest')"
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (RUN.plan, r"run: is a plan: carry it out first, run = bl.run\(plan\)"),
        (RUN.summary, "run: is a Summary and not a run"),
        (None, "run: is a NoneType and not a run"),
    ],
)
def test_another_value_is_refused(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_run(value)
    check_run(RUN)


def test_figures_of_other_values_name_where_these_come_from() -> None:
    with pytest.raises(InputError, match=r"give what store\.client_server"):
        bl.plots.client_server(RUN)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"store\.slowest"):
        bl.plots.waterfall(RUN)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="read it from the store"):
        bl.plots.client_server(RUN.summary, run="latest")  # type: ignore[arg-type]
