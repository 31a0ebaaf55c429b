from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import benchlab as bl
from benchlab.errors import InputError, RunError
from benchlab.exchange import FORMATS, export_run, import_file
from benchlab.exchange.own.export import FIELDS, export_blocks
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.request import Request
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.examples import Example
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples
from benchlab.store import Store
from tests.store.stored_runs import make_run

EXAMPLE = Example("reset", "POST /api/add", 3, 5, 0, "gone", (("A", "é"),), "x\ny", 3)
_EACH = pytest.mark.parametrize("form", list(FORMATS))


def back(path: Path) -> Run:
    found = import_file(path)
    assert isinstance(found, Run)
    return found


def assert_same(found: Run, run: Run) -> None:
    assert found.samples.records.tobytes() == run.samples.records.tobytes()
    assert found.samples.endpoints == run.samples.endpoints
    for item in fields(Run):
        if item.name not in ("samples", "spool", "connections"):
            assert getattr(found, item.name) == getattr(run, item.name), item.name
    assert found.connections.records.tobytes() == run.connections.records.tobytes()
    assert found.summary == run.summary
    assert found.verdict_reason == run.verdict_reason


def whole_run() -> Run:
    """A run with a value in every field."""
    connections = np.zeros(3, dtype=CONNECTION_DTYPE)
    connections["connect_ns"], connections["seq"] = [7, 8, 9], [-1, 3, 2**40]
    return replace(
        make_run(1000),
        stopped_ns=12_345,
        stop_reason="p99<1ms",
        examples=(EXAMPLE,),
        connections=Connections(connections),
    )


@_EACH
@pytest.mark.parametrize("count", [0, 1, 1000, 70_000])
def test_a_run_comes_back_exactly(tmp_path: Path, form: str, count: int) -> None:
    run = whole_run() if count == 1000 else make_run(count)
    path = export_run(run, tmp_path / f"run.{form}")
    assert_same(back(path), run)
    assert [file.name for file in tmp_path.iterdir()] == [path.name], "nothing partial is left"


@_EACH
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records=hnp.arrays(SAMPLE_DTYPE, st.integers(0, 20)))
def test_any_records_come_back_exactly(tmp_path: Path, form: str, records: np.ndarray) -> None:
    whole = np.zeros(len(records), dtype=SAMPLE_DTYPE)  # padding bytes zero, so bytes compare
    for name in FIELDS:
        whole[name] = records[name]
    whole["endpoint"] %= 2
    whole["error"] %= len(ErrorKind)
    run = replace(make_run(10), samples=Samples(whole, make_run(1).samples.endpoints))
    path = export_run(run, tmp_path / f"run.{form}", force=True)
    assert back(path).samples.records.tobytes() == whole.tobytes()


@_EACH
def test_through_two_stores(closed_store: Store, tmp_path: Path, form: str) -> None:
    run = whole_run()
    closed_store.save(run)
    with closed_store.load_in_blocks(run.id[:10]) as (head, count, blocks):
        path = export_blocks(head, count, blocks, tmp_path / f"run.{form}")
    kept = closed_store.load(run.id)
    other = Store(f"chdb://{tmp_path}/other")
    with other.connect():
        for _ in range(2):
            other.save(back(path))
        assert_same(other.load("latest"), kept)
        assert len(other.runs()) == 1


async def shop(client: Any, ctx: Any) -> None:
    async with ctx.step("log in"):
        await client.get("/token")
    async with ctx.step("look around"):
        await client.get("/a")


def scenario_run() -> Run:
    """A run of `shop`: iterations of two steps, some cut short, endpoints named by its steps."""
    drawn = make_run(1000)
    made = bl.scenario(shop, "http://127.0.0.1:8000", data=bl.Feed([{"user": "me"}]))
    plan = bl.Plan(
        scenario=evolve(made, steps=("log in", "look around")),
        load=drawn.plan.load,
        duration_s=drawn.plan.duration_s,
        warmup_s=drawn.plan.warmup_s,
    )
    records = drawn.samples.records
    records["endpoint"] = np.arange(len(records)) % 2 + 1
    records["flags"][records["endpoint"] == 1] |= np.uint8(Flag.FIRST_STEP)
    return replace(drawn, plan=plan, samples=Samples(records, plan.endpoint_names))


@_EACH
def test_a_run_of_a_scenario_comes_back_and_cannot_be_sent_again(tmp_path: Path, form: str) -> None:
    run = scenario_run()
    found = back(export_run(run, tmp_path / f"run.{form}"))
    assert run.plan.scenario is not None
    assert run.plan.scenario.code
    assert b"cloudpickle" not in (tmp_path / f"run.{form}").read_bytes()
    # Everything but the code and the rows, which neither files nor stores contain.
    assert found.plan.to_dict() == redacted_plan(run.plan.to_dict())
    assert_same(found, replace(run, plan=found.plan))
    assert found.samples.endpoints == ("shop", "log in", "look around")
    assert found.iteration_count == run.iteration_count == len(run.measured) // 2
    assert found.by_endpoint() == run.by_endpoint()
    again = back(export_run(found, tmp_path / f"again.{form}"))
    assert_same(again, found)
    with pytest.raises(InputError, match="code of the scenario shop was not stored"):
        bl.run(found.plan)


@_EACH
def test_credentials_stay_hidden(tmp_path: Path, form: str) -> None:
    secret = "hunter2"
    request = Request(
        "GET", f"http://me:{secret}@127.0.0.1:8000/?token={secret}", headers={"X-API-Key": secret}
    )
    run = make_run(10)
    run = replace(run, plan=run.plan.replace(requests=[request, run.plan.requests[1]]))
    path = export_run(run, tmp_path / f"run.{form}")
    assert secret.encode() not in path.read_bytes()
    assert b"bWU6aHVudGVyMg" not in path.read_bytes(), "user and password in base64"
    assert back(path).plan.to_dict() == redacted_plan(run.plan.to_dict())


def test_other_readers_can_read_the_files(tmp_path: Path) -> None:
    run = make_run(100)
    frames = [
        pd.read_csv(bl.export_run(run, tmp_path / "run.csv"), comment="#"),
        pd.read_parquet(bl.export_run(run, tmp_path / "run.parquet")),
        pa.ipc.open_file(bl.export_run(run, tmp_path / "run.arrow")).read_pandas(),
    ]
    for frame in frames:
        assert list(frame.columns) == list(FIELDS)
        latency_ns = (frame["done_ns"] - frame["intended_ns"]).to_numpy()
        np.testing.assert_array_equal(latency_ns, run.samples.latency_ns)


def test_the_path_decides_file_and_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_run(10)
    assert export_run(run) == Path(f"{run.id}.parquet")
    assert export_run(run, format="csv") == Path(f"{run.id}.csv")
    with pytest.raises(InputError, match=r"exists already.*force"):
        export_run(run)
    export_run(run, force=True)
    with pytest.raises(InputError, match=r"'png' is unknown: use one of parquet, arrow, csv"):
        export_run(run, "run.png")
    with pytest.raises(InputError, match="is a directory: name a file in it"):
        export_run(run, tmp_path, format="csv", force=True)
    with pytest.raises(InputError, match=r"cannot write .*the directory .* does not exist"):
        export_run(run, tmp_path / "nowhere" / "run.csv")


def test_a_path_that_the_system_rejects_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"x\.csv \(File name too long\)"):
        export_run(make_run(10), tmp_path / f"{'x' * 250}.csv")


@_EACH
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path, form: str) -> None:
    run, pipe = make_run(1000), tmp_path / f"pipe.{form}"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        content = pool.submit(pipe.read_bytes)
        export_run(run, pipe)
        (tmp_path / "copy").write_bytes(content.result())
    assert pipe.is_fifo()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy", pipe.name]
    assert_same(back(tmp_path / "copy"), run)


def test_a_link_is_not_replaced_but_its_target(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real, link = tmp_path / "there" / "real.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    runs = make_run(10), make_run(20)
    assert export_run(runs[0], link) == link
    assert_same(back(real), runs[0])
    with pytest.raises(InputError, match="exists already"):
        export_run(runs[1], link)
    export_run(runs[1], link, force=True)
    assert link.is_symlink()
    assert_same(back(real), runs[1])
    assert [file.name for file in real.parent.iterdir()] == ["real.csv"]
