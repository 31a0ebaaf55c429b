"""What dashboards show of a store as `make up` leaves it: no error.

Apart from the other tests of dashboards, as a process opens one embedded store at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from benchlab.store import Store
from tests.stack.dashboards import panels, reading, variables
from tests.stack.grafana import TimeRange, sql_of

EVER = TimeRange(0, 2**31 * 1000)
# What Grafana makes of variables that have no value to offer.
NOTHING: dict[str, str | list[str]] = {
    **dict.fromkeys(("run", "trace", "comparison", "search", "trend"), ""),
    "name": [],
    "service": [],
}


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A client of a store that has its tables, and nothing in them."""
    dsn = f"chdb://{tmp_path_factory.mktemp('new') / 'store'}"
    Store(dsn).migrate()
    with reading(dsn) as reader:
        yield reader


@pytest.mark.parametrize("panel", list(panels()))
def test_panels_of_an_empty_store_have_no_rows_or_zeros(new: Client, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        frame = new.query_df(sql_of(target["rawSql"], EVER, NOTHING))
        assert (frame == 0).all(axis=None)


@pytest.mark.parametrize("variable", list(variables()))
def test_variables_of_an_empty_store_have_no_values(new: Client, variable: dict[str, Any]) -> None:
    assert new.query_df(sql_of(variable["query"], EVER, {})).empty
