"""Stored runs are selected by name, by tags and by when they started."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest

from benchlab.errors import InputError, RunNotFoundError
from benchlab.runs.run import Run
from benchlab.store import Store
from benchlab.units import utc_from_ns
from tests.store.stored_runs import make_run

DAY_NS = 86_400 * 10**9


@pytest.fixture
def store(lasting_store: Store) -> Store:
    """One for all these tests, which only read."""
    return lasting_store


@pytest.fixture(scope="module")
def week(lasting_store: Store) -> list[Run]:
    """Seven stored runs, a day apart: two names in turn, and a tag with the number of the day."""
    runs = []
    for day in range(7):
        run = make_run(20, name=("nightly", "it's")[day % 2], started_at_ns=day * DAY_NS)
        tags = {"branch": "main" if day < 4 else "O'Brien", "day": str(day), "empty": ""}
        run = replace(run, plan=run.plan.replace(tags=tags))
        lasting_store.save(run)
        runs.append(run)
    return runs


def days(frame: pd.DataFrame) -> list[int]:
    return [int(tags["day"]) for tags in frame["tags"]]


def test_runs_are_selected_by_name(store: Store, week: list[Run]) -> None:
    assert days(store.runs(name="nightly")) == [6, 4, 2, 0]
    assert days(store.runs(name="it's")) == [5, 3, 1]
    assert days(store.runs(name="night")) == [], "the whole name"
    assert days(store.runs(name="' OR 1=1 --")) == []
    assert list(store.runs(name="none").columns) == list(store.runs().columns)


def test_runs_are_selected_by_tags(store: Store, week: list[Run]) -> None:
    assert days(store.runs(tags={"branch": "main"})) == [3, 2, 1, 0]
    assert days(store.runs(tags={"branch": "O'Brien", "day": "5"})) == [5]
    assert days(store.runs(tags={"empty": "", "day": "5"})) == [5]
    assert days(store.runs(tags={"missing": ""})) == [], "a tag that is not there is not empty"
    assert len(store.runs(tags={})) == 7


def test_runs_are_selected_by_the_time_they_started(store: Store, week: list[Run]) -> None:
    second, fifth = (utc_from_ns(day * DAY_NS) for day in (2, 5))
    assert days(store.runs(since=second, until=fifth)) == [4, 3, 2]
    assert days(store.runs(since=fifth + timedelta(microseconds=1))) == [6]
    elsewhere = second.astimezone(timezone(timedelta(hours=9)))
    assert days(store.runs(until=elsewhere)) == [1, 0]
    with pytest.raises(InputError, match=r"since='1970-01-03T00:00:00' has no .*tzinfo=UTC"):
        store.runs(since=datetime(1970, 1, 3))
    with pytest.raises(InputError, match="since='yesterday' must be a datetime, not str"):
        store.runs(since="yesterday")  # type: ignore[arg-type]


def test_conditions_are_combined_and_the_newest_are_taken(store: Store, week: list[Run]) -> None:
    frame = store.runs(
        name="nightly", tags={"branch": "main"}, since=datetime(1970, 1, 1, tzinfo=UTC), limit=1
    )
    assert days(frame) == [2]


def test_the_runs_of_a_selection_are_loaded_in_its_order(store: Store, week: list[Run]) -> None:
    found = store.load_all(store.runs(name="it's")["run_id"])
    assert [run.id for run in found] == [week[day].id for day in (5, 3, 1)]
    assert found[0].samples.records.tobytes() == week[5].samples.records.tobytes()
    assert store.load_all([]) == []
    with pytest.raises(RunNotFoundError, match="'ffff'"):
        store.load_all([week[0].id, "ffff"])
