"""A store shows its latest runs, and lets a person choose some of them."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from benchlab.display.values import store as store_view
from benchlab.errors import RunNotFoundError
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.store import Store
from benchlab.watch.pick import renderer
from tests.runs.synthetic import make_run as synthetic_run
from tests.store.stored_runs import make_run

HOSTILE = "<script>alert(1)</script>"
STALLED = synthetic_run(stall=True, name="stalled")
LONG = replace(
    synthetic_run(rate_rps=1.0, duration_s=100.0, warmup_s=0.0, name=HOSTILE), id=f"{1:016x}"
)
FIRST = replace(make_run(20, name="first", started_at_ns=10**9), id=f"{2:016x}")
BLOCK = replace(synthetic_run(count=20, tags={EXPERIMENT_TAG: "1" * 16}), id=f"{3:016x}")


@pytest.fixture(scope="module")
def filled(lasting_store: Store) -> Store:
    """A store that stays open, with three runs and one of an experiment, which is no part of it."""
    for number, run in enumerate((BLOCK, FIRST, LONG, STALLED)):
        lasting_store.save(replace(run, started_at_ns=number * 10**9))
    return lasting_store


def test_the_p99_over_time_is_that_of_the_samples(filled: Store) -> None:
    stalled, *_ = filled.overview(limit=1)
    assert stalled["run_id"] == STALLED.id
    measured = STALLED.measured
    second = measured.column("intended_ns") // 10**9
    expected = [
        np.quantile(measured.latency_ns[second == number], 0.99, method="lower") / 1e6
        for number in range(1, 11)
    ]
    np.testing.assert_allclose(stalled["p99_over_time_ms"], expected, rtol=0.02)


def test_long_runs_have_few_slices_and_runs_of_experiments_are_left_out(filled: Store) -> None:
    rows = filled.overview()
    assert [row["run_id"] for row in rows] == [STALLED.id, LONG.id, FIRST.id]
    assert [len(row["p99_over_time_ms"]) for row in rows] == [10, 15, 1]  # of 1 s, 7 s and 1 s


def test_a_store_shows_its_latest_runs(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_view, "_RUNS_SHOWN", 2)
    shown = filled._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/markdown", "text/html"}
    for text in shown.values():
        assert "store.pick()" in text
    assert shown["text/html"].count("<tr>") == 3
    assert shown["text/html"].count("<svg") == 2
    assert "<script" not in shown["text/html"] + shown["text/markdown"]
    title, count, head, *rows, note = shown["text/plain"].splitlines()
    assert title == filled.location
    assert "the latest 2 runs" in count
    assert [row.split()[0] for row in rows] == ["stalled", HOSTILE[:17] + "…"]
    assert max(map(len, (head, *rows, note))) <= 100


def test_a_store_that_cannot_be_opened_shows_one_line() -> None:
    store = Store("http://me:s3cret@127.0.0.1:1/lab", wait_s=0)
    shown = store._repr_mimebundle_()
    assert "not readable" in shown["text/html"]
    assert "Traceback" not in "".join(shown.values())
    assert "s3cret" not in "".join(shown.values())
    title, error, *_ = shown["text/plain"].splitlines()
    assert title == "http://me:***@127.0.0.1:1/lab"
    assert "not readable: " in error


def test_what_is_chosen_in_the_table_is_what_code_gets(filled: Store) -> None:
    choice = filled.pick()
    assert list(choice.run_ids) == []
    shown = choice._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "<script" not in shown["text/html"]
    assert "0 chosen" in shown["text/html"]
    widget = renderer._widget_of(choice)
    assert widget is not None
    widget.chosen = [STALLED.id, FIRST.id]
    assert choice.run_ids == (FIRST.id, STALLED.id)
    assert [run.id for run in choice.runs()] == [FIRST.id, STALLED.id]
    choice.choose([LONG.id])
    assert widget.chosen == [LONG.id]
    assert repr(choice) == "<RunChoice: 1 of 3 runs chosen>"
    with pytest.raises(RunNotFoundError, match="no run of the table has the id 'x'"):
        choice.choose(["x"])
    assert [row["name"] for row in filled.pick(name="first").rows] == ["first"]


def test_without_anywidget_there_is_a_table_and_the_remedy(
    filled: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    shown = filled.pick()._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/markdown", "text/html"}
    for text in shown.values():
        assert "pip install" in text
        assert "lab" in text
