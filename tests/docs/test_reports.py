"""The columns that docs/reports.md explains are those that reports have, in their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

import benchlab as bl
from benchlab.analysis.fault_effects import resilience_of
from benchlab.experiments.trend import trend_of
from benchlab.report.tables import csv_tables
from benchlab.samples.statistics import DURATIONS, PERCENTILES, STATISTICS
from tests.analysis.faulty import faulty_run
from tests.analysis.test_explanation import make_explanation
from tests.display.results.test_capacity import make_capacity
from tests.docs.pages import DOCS, marked
from tests.experiments.histories import drawn_ms, history_of
from tests.experiments.test_compare import level
from tests.golden.runs import valid
from tests.plots.test_attribution import attribution

PAGE = (DOCS / "reports.md").read_text()


def of_run(name: str) -> Callable[[], pd.DataFrame]:
    return lambda: csv_tables(valid().run)[f"{name}.csv"]


TABLES: Mapping[str, Callable[[], pd.DataFrame]] = {
    **{name: of_run(name) for name in ("summary", "endpoints", "histogram", "timeseries")},
    "comparison": lambda: bl.compare([level(1), level(2)], [level(3), level(4)]).to_pandas(),
    "capacity": lambda: make_capacity().to_pandas(),
    "trend": lambda: trend_of(history_of(drawn_ms(8)), "nightly", "p99").to_pandas(),
    "attribution": lambda: attribution().to_pandas(),
    "resilience": lambda: resilience_of(faulty_run(1), "p99<50ms").to_pandas(),
    "explanation": lambda: make_explanation().to_pandas(),
    "scalability": lambda: bl.scalability(np.arange(1.0, 7), np.arange(1.0, 7)).to_pandas(),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_columns_are_those_of_the_page(name: str) -> None:
    described = re.findall(r"^\| `([\w<>]+)` \|", marked(PAGE, name), re.MULTILINE)
    # The intervals of a percentile stand together, by percentile: on the page they are three rows.
    assert sorted(_expanded(described)) == sorted(TABLES[name]().columns)


def _expanded(names: list[str]) -> list[str]:
    known = {"<duration>": DURATIONS, "<statistic>": STATISTICS, "<percentile>": PERCENTILES}
    for place, words in known.items():
        names = [
            name.replace(place, word)
            for name in names
            for word in (words if place in name else [""])
        ]
    return names
