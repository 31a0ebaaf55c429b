"""The columns that a run is written to are those that the migrations make."""

from __future__ import annotations

import re

from benchlab.samples.statistics import STATISTICS
from benchlab.store.runs import write
from benchlab.store.schema.migrate import migrations
from tests.runs.synthetic import make_run


def columns_of_runs() -> set[str]:
    sql = "\n".join(step.sql for step in migrations())
    table = re.search(r"CREATE TABLE IF NOT EXISTS runs \((.*?)\n\) ENGINE", sql, re.DOTALL)
    assert table is not None
    added = re.findall(r"ALTER TABLE runs ADD COLUMN IF NOT EXISTS (\w+)", sql)
    return {*re.findall(r"^    (\w+) ", table[1], re.MULTILINE), *added}


def test_every_stored_statistic_has_a_column_and_every_column_a_statistic() -> None:
    found = {name for name in columns_of_runs() if re.match(r"(latency|service|lag)_", name)}
    parts = ("latency", "service", "lag")
    assert found == {f"{part}_{key}_ns" for part in parts for key in write.STORED_STATISTICS}
    assert set(write.STORED_STATISTICS) <= set(STATISTICS)


def test_a_run_is_written_to_columns_that_exist() -> None:
    assert set(write._run_row(make_run())) | {"saved_at"} == columns_of_runs()
