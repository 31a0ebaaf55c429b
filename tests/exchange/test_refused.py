"""Exported files that were cut off, broken or edited are refused."""

from __future__ import annotations

import base64
import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchlab import Plan, scenario
from benchlab import run as run_plan
from benchlab.errors import DamagedError, InputError
from benchlab.exchange import FORMATS, export_run, import_file
from benchlab.exchange.own import bounds
from benchlab.exchange.own.export import export_blocks
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE
from benchlab.samples.samples import SAMPLE_DTYPE
from tests.exchange.own.test_round_trip import EXAMPLE, back
from tests.store.stored_runs import make_run

_EACH = pytest.mark.parametrize("form", list(FORMATS))


@_EACH
def test_a_file_cut_off_is_refused(tmp_path: Path, form: str) -> None:
    path = export_run(make_run(5000), tmp_path / f"run.{form}")
    whole = path.read_bytes()
    for share in (0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=str(path)):
            import_file(path)


def test_a_broken_csv_is_refused_with_the_line_number(tmp_path: Path) -> None:
    path = export_run(make_run(10), tmp_path / "run.csv")
    lines = path.read_text().splitlines()
    for number, text in ((5, "1,2,x,4,5,6,7,0,0,0"), (7, "1,2,3"), (2, "a,b"), (4, "")):
        broken = [*lines[: number - 1], text, *lines[number:]]
        path.write_text("\n".join(broken) + "\n")
        with pytest.raises(InputError, match=rf"run\.csv:{number}: "):
            import_file(path)


def test_foreign_newer_or_damaged_content_is_refused(tmp_path: Path) -> None:
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
    with pytest.raises(InputError, match="format=2 is unknown: this benchlab reads 1 only: upgr"):
        import_file(newer)
    newer.write_text("# benchlab {broken\n" + text.split("\n", 1)[1])
    with pytest.raises(InputError, match=r"of the run: it is not JSON .*: export it again"):
        import_file(newer)


def with_column(path: Path, name: str, values: pa.Array) -> Path:
    """The Parquet or Arrow file ``path`` with the values of one column replaced."""
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
        ("sent_ns", pa.array([0.5, 1, 2, 3]), "sent_ns has type double, but must have integers"),
        ("seq", pa.array(["0", "1", "2", "3"]), "seq has type string, but must have integers"),
        ("status", pa.array([200, 70_000, 0, 0]), "status 70000, but the range is 0 to 65535"),
        ("flags", pa.array([0, 0, 0, -1], pa.int8()), "number 3 has flags -1, but the"),
        ("error", pa.array([0, 256, 0, 0]), "number 1 has error 256, but the range is 0 to 255"),
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


def test_integers_of_another_width_are_accepted(tmp_path: Path) -> None:
    run = make_run(4)
    path = export_run(run, tmp_path / "run.parquet")
    with_column(path, "status", pa.array(run.samples.column("status").astype("i8")))
    with_column(path, "seq", pa.array(run.samples.column("seq").astype("u1")))
    assert back(path).samples.records.tobytes() == run.samples.records.tobytes()


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_repeated_column_is_refused(tmp_path: Path, form: str) -> None:
    path = export_run(make_run(4), tmp_path / f"run.{form}")
    table = pa.ipc.open_file(path).read_all() if form == "arrow" else pq.read_table(path)
    table = table.append_column("seq", pa.array([1, 2, 3, 4]))
    if form == "parquet":
        pq.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(InputError, match="repeats the columns seq"):
        import_file(path)


def with_head(path: Path, change: dict[str, object]) -> Path:
    """The CSV file ``path`` with other values in the metadata of its run."""
    first, rest = path.read_text().split("\n", 1)
    head = {**json.loads(first.removeprefix("# benchlab ")), **change}
    path.write_text(f"# benchlab {json.dumps(head)}\n{rest}")
    return path


@pytest.mark.parametrize(
    "run_id", ["../../traversed", "latest", "", 5, None, ["a"], "A" * 16, "0" * 17, "0" * 16 + "\n"]
)
def test_an_invalid_run_id_is_refused(tmp_path: Path, run_id: object) -> None:
    path = with_head(export_run(make_run(1), tmp_path / "run.csv"), {"id": run_id})
    with pytest.raises(DamagedError, match=r"run\.csv: .*(is not a run id: .*16|id.* expected)"):
        import_file(path)


@pytest.mark.parametrize(
    "change",
    [
        {"started_at_ns": 10**30},
        {"environment": 5},
        {"health": [1]},
        {"health": {"workers": [5]}},
        {"examples": [5]},
        {"examples": [{}]},
        {"examples": [{**EXAMPLE.to_dict(), "message": None}]},
        {"examples": [{**EXAMPLE.to_dict(), "seq": "1"}]},
        {"environment": {"calibration": 5}},
        {"environment": {"imported": 5}},
        {"connections": 5},
        {"plan": []},
        {"stopped_ns": "x"},
        {"sample_count": None},
    ],
)
def test_metadata_of_the_wrong_type_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = with_head(export_run(make_run(1), tmp_path / "run.csv"), change)
    with pytest.raises(InputError, match=r"run\.csv: "):
        import_file(path)


def with_packed_connections(path: Path, content: bytes) -> Path:
    packed = base64.b64encode(zlib.compress(content, 9)).decode()
    head = json.loads(path.read_text().split("\n", 1)[0].removeprefix("# benchlab "))
    return with_head(path, {"connections": {**head["connections"], "zlib_base64": packed}})


def test_connections_that_unpack_to_far_more_are_refused(tmp_path: Path) -> None:
    path = with_packed_connections(
        export_run(make_run(1), tmp_path / "run.csv"), bytes(400_000 * CONNECTION_DTYPE.itemsize)
    )
    assert path.stat().st_size < 100_000
    with pytest.raises(DamagedError, match=r"connections: .* unpack to more than "):
        import_file(path)


@pytest.mark.parametrize("content", [b"", b"x" * 7, bytes(CONNECTION_DTYPE.itemsize)[:-1]])
def test_connections_that_are_cut_off_are_refused(tmp_path: Path, content: bytes) -> None:
    path = with_packed_connections(export_run(make_run(1), tmp_path / "run.csv"), content)
    if content:
        with pytest.raises(DamagedError, match="connections: "):
            import_file(path)
    else:
        assert isinstance(import_file(path), Run)


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_columns_that_unpack_to_far_more_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(bounds, "_MOST_BYTES", 1 << 20)  # gigabytes would only take longer
    run = make_run(1)
    small = export_run(run, tmp_path / f"small.{form}")
    assert isinstance(import_file(small), Run)
    path = tmp_path / f"large.{form}"
    records = np.zeros(200_000, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(len(records))
    export_blocks(run, len(records), [records], path)
    with pytest.raises(DamagedError, match=r"unpacks to [0-9,]* bytes, and at most 1,048,576"):
        import_file(path)


def test_more_requests_than_a_file_can_hold_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column of one value takes a few bytes in Parquet, however many rows it has."""
    monkeypatch.setattr(bounds, "_MOST_REPEATED", 1_000)
    path = tmp_path / "run.parquet"
    export_blocks(make_run(1), 300_000, [np.zeros(300_000, dtype=SAMPLE_DTYPE)], path)
    assert path.stat().st_size < 100_000
    with pytest.raises(DamagedError, match="announces 300,000 requests, more than it can hold"):
        import_file(path)


def test_arrow_files_of_other_writers_are_read(tmp_path: Path) -> None:
    run = make_run(200_000)
    path = export_run(run, tmp_path / "run.arrow")
    table = pa.ipc.open_file(path).read_all()
    for compression in (None, "lz4"):
        options = pa.ipc.IpcWriteOptions(compression=compression)
        with (
            pa.OSFile(str(path), "wb") as file,
            pa.ipc.new_file(file, table.schema, options=options) as writer,
        ):
            writer.write_table(table)
        found = import_file(path)
        assert isinstance(found, Run)
        assert found.samples.records.tobytes() == run.samples.records.tobytes()


@pytest.mark.parametrize("place", range(8, 400, 28))
def test_a_damaged_arrow_header_is_an_input_error(tmp_path: Path, place: int) -> None:
    path = export_run(make_run(10), tmp_path / "run.arrow")
    content = bytearray(path.read_bytes())
    start = content.index(b"\xff\xff\xff\xff", 16) + 8  # the header of the first batch
    content[start + place : start + place + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(content)
    with suppress(InputError):
        import_file(path)


async def steal(client: Any, ctx: Any) -> None:
    raise AssertionError


def test_code_in_a_file_is_dropped_and_the_run_says_so(tmp_path: Path) -> None:
    path = export_run(make_run(0), tmp_path / "run.csv")
    plan = Plan(scenario=scenario(steal, "http://127.0.0.1:1/"), duration_s=1)
    found = import_file(with_head(path, {"plan": plan.to_dict()}))
    assert isinstance(found, Run)
    assert found.plan.scenario is not None
    assert found.plan.scenario.code == b""
    assert any("the code of the scenario" in warning for warning in found.warnings)
    with pytest.raises(InputError, match="was not stored"):
        run_plan(found.plan)
