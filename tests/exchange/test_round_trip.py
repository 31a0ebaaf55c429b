from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import benchlab as bl
from benchlab.errors import InputError
from benchlab.exchange import FORMATS, export_run, import_file
from benchlab.exchange.export import FIELDS, export_blocks
from benchlab.store import Store
from benchlab.values.connections import CONNECTION_DTYPE, Connections
from benchlab.values.examples import Example
from benchlab.values.public_plan import public_plan
from benchlab.values.request import Request
from benchlab.values.run import Run
from benchlab.values.samples import SAMPLE_DTYPE, ErrorKind, Flag, Samples
from tests.store.runs import make_run

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
    assert found.stats == run.stats
    assert found.judgement == run.judgement


def whole_run() -> Run:
    """A run that has everything a run can have."""
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
    with closed_store.run_in_blocks(run.id[:10]) as (head, count, blocks):
        path = export_blocks(head, count, blocks, tmp_path / f"run.{form}")
    kept = closed_store.run(run.id)
    other = Store(f"chdb://{tmp_path}/other")
    with other.connect():
        for _ in range(2):
            other.save(back(path))
        assert_same(other.run("latest"), kept)
        assert len(other.runs()) == 1


async def shop(client: Any, ctx: Any) -> None:
    async with ctx.step("log in"):
        await client.get("/token")
    async with ctx.step("look around"):
        await client.get("/a")


def scenario_run() -> Run:
    """As a run of `shop` leaves it: iterations of two steps, some cut short, names seen by it."""
    drawn = make_run(1000)
    made = bl.scenario(shop, "http://127.0.0.1:8000", data=bl.Feed([{"user": "me"}]))
    plan = bl.Plan(
        scenario=replace(made, steps=("log in", "look around")),
        load=drawn.plan.load,
        duration_s=drawn.plan.duration_s,
        warmup_s=drawn.plan.warmup_s,
    )
    records = drawn.samples.records
    records["endpoint"] = np.arange(len(records)) % 2 + 1
    records["flags"][records["endpoint"] == 1] |= np.uint8(Flag.BEGINS)
    return replace(drawn, plan=plan, samples=Samples(records, plan.endpoint_names))


@_EACH
def test_a_run_of_a_scenario_comes_back_and_cannot_be_sent_again(tmp_path: Path, form: str) -> None:
    run = scenario_run()
    found = back(export_run(run, tmp_path / f"run.{form}"))
    assert run.plan.scenario is not None
    assert run.plan.scenario.code
    assert b"cloudpickle" not in (tmp_path / f"run.{form}").read_bytes()
    # All but the code and the rows, which are as little kept in a file as in a store.
    assert found.plan.to_dict() == public_plan(run.plan.to_dict())
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
    run = replace(run, plan=replace(run.plan, requests=[request, run.plan.requests[1]]))
    path = export_run(run, tmp_path / f"run.{form}")
    assert secret.encode() not in path.read_bytes()
    assert b"bWU6aHVudGVyMg" not in path.read_bytes(), "user and password in base64"
    assert back(path).plan.to_dict() == public_plan(run.plan.to_dict())


def test_other_readers_take_the_files_as_they_are(tmp_path: Path) -> None:
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


def test_where_a_file_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    with pytest.raises(InputError, match=r"cannot write .*there is no directory"):
        export_run(run, tmp_path / "nowhere" / "run.csv")


@_EACH
def test_a_pipe_is_written_through_and_stays(tmp_path: Path, form: str) -> None:
    run, pipe = make_run(1000), tmp_path / f"pipe.{form}"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        content = pool.submit(pipe.read_bytes)
        export_run(run, pipe)
        (tmp_path / "copy").write_bytes(content.result())
    assert pipe.is_fifo()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy", pipe.name]
    assert_same(back(tmp_path / "copy"), run)


def test_a_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
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


@_EACH
def test_a_file_cut_off_is_refused(tmp_path: Path, form: str) -> None:
    path = export_run(make_run(5000), tmp_path / f"run.{form}")
    whole = path.read_bytes()
    for share in (0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=str(path)):
            import_file(path)


def test_a_broken_csv_is_told_with_its_line(tmp_path: Path) -> None:
    path = export_run(make_run(10), tmp_path / "run.csv")
    lines = path.read_text().splitlines()
    for number, text in ((5, "1,2,x,4,5,6,7,0,0,0"), (7, "1,2,3"), (2, "a,b"), (4, "")):
        broken = [*lines[: number - 1], text, *lines[number:]]
        path.write_text("\n".join(broken) + "\n")
        with pytest.raises(InputError, match=rf"run\.csv:{number}: "):
            import_file(path)


def test_contents_that_no_run_has_are_refused(tmp_path: Path) -> None:
    run = make_run(10)
    run.samples.records["error"][3] = 200
    path = export_run(run, tmp_path / "run.parquet")
    with pytest.raises(InputError, match="request number 3 has error 200"):
        import_file(path)
    foreign = tmp_path / "foreign.parquet"
    pq.write_table(pa.table({"a": [1]}), foreign)
    with pytest.raises(InputError, match="was not written by benchlab export"):
        import_file(foreign)
    newer = tmp_path / "newer.csv"
    text = export_run(make_run(1), newer).read_text()
    head = json.loads(text.splitlines()[0].removeprefix("# benchlab "))
    newer.write_text(text.replace('"format": 1', '"format": 2', 1))
    assert head["format"] == 1
    with pytest.raises(InputError, match=r"format 2, this benchlab reads 1: upgrade"):
        import_file(newer)
    newer.write_text("# benchlab {broken\n" + text.split("\n", 1)[1])
    with pytest.raises(InputError, match="description of the run is damaged"):
        import_file(newer)


def with_column(path: Path, name: str, values: pa.Array) -> Path:
    """The Parquet or Arrow file ``path`` with another column in the place of one."""
    arrow = path.suffix == ".arrow"
    table = pa.ipc.open_file(path).read_all() if arrow else pq.read_table(path)
    table = table.set_column(table.schema.get_field_index(name), name, values)
    if not arrow:
        pq.write_table(table, path)
        return path
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return path


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("sent_ns", pa.array([1, 2, None, 4]), "request number 2 has no sent_ns"),
        ("status", pa.array([1, None, 3, 4], pa.uint16()), "request number 1 has no status"),
        ("sent_ns", pa.array([0.5, 1, 2, 3]), "sent_ns is of type double, where integers"),
        ("seq", pa.array(["0", "1", "2", "3"]), "seq is of type string, where integers"),
        ("status", pa.array([200, 70_000, 0, 0]), "number 1 has status 70000, where 0 to 65535"),
        ("flags", pa.array([0, 0, 0, -1], pa.int8()), "number 3 has flags -1, where 0 to 255"),
        ("error", pa.array([0, 256, 0, 0]), "number 1 has error 256, where 0 to 255"),
        ("bytes_in", pa.array([0, 2**63, 0, 0], pa.uint64()), "number 1 has bytes_in 9223372036"),
        ("sent_ns", pa.array([5] * 4, pa.timestamp("ns")), "timestamp"),
    ],
)
def test_a_value_that_a_record_cannot_hold_is_refused(
    tmp_path: Path, form: str, name: str, values: pa.Array, says: str
) -> None:
    path = with_column(export_run(make_run(4), tmp_path / f"run.{form}"), name, values)
    with pytest.raises(InputError, match=rf"run\.{form}: .*{says}"):
        import_file(path)


def test_integers_of_another_width_are_the_same(tmp_path: Path) -> None:
    run = make_run(4)
    path = export_run(run, tmp_path / "run.parquet")
    with_column(path, "status", pa.array(run.samples.column("status").astype("i8")))
    with_column(path, "seq", pa.array(run.samples.column("seq").astype("u1")))
    assert back(path).samples.records.tobytes() == run.samples.records.tobytes()


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, form: str) -> None:
    path = export_run(make_run(4), tmp_path / f"run.{form}")
    table = pa.ipc.open_file(path).read_all() if form == "arrow" else pq.read_table(path)
    table = table.append_column("seq", pa.array([1, 2, 3, 4]))
    if form == "parquet":
        pq.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(InputError, match="has more than once the columns seq"):
        import_file(path)


def with_head(path: Path, change: dict[str, object]) -> Path:
    """The CSV file ``path`` with other values in its description of the run."""
    first, rest = path.read_text().split("\n", 1)
    head = {**json.loads(first.removeprefix("# benchlab ")), **change}
    path.write_text(f"# benchlab {json.dumps(head)}\n{rest}")
    return path


@pytest.mark.parametrize(
    "run_id", ["../../traversed", "latest", "", 5, None, ["a"], "A" * 16, "0" * 17, "0" * 16 + "\n"]
)
def test_an_id_that_no_run_has_is_refused(tmp_path: Path, run_id: object) -> None:
    path = with_head(export_run(make_run(1), tmp_path / "run.csv"), {"run_id": run_id})
    with pytest.raises(InputError, match=r"run\.csv: .* is no id of a run: .*16 hex") as caught:
        import_file(path)
    assert repr(run_id) in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"started_at_ns": 10**30},
        {"environment": 5},
        {"health": [1]},
        {"health": {"workers": [5]}},
        {"examples": [5]},
        {"examples": [{}]},
        {"examples": [{**EXAMPLE.to_dict(), "words": None}]},
        {"examples": [{**EXAMPLE.to_dict(), "seq": "1"}]},
        {"environment": {"calibration": 5}},
        {"environment": {"imported": 5}},
        {"connections": 5},
        {"plan": []},
        {"stopped_ns": "x"},
        {"sample_count": None},
    ],
)
def test_a_description_of_other_types_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = with_head(export_run(make_run(1), tmp_path / "run.csv"), change)
    with pytest.raises(InputError, match=r"run\.csv: "):
        import_file(path)
