"""Exported files that were cut off, broken or edited are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchlab.errors import DamagedError, InputError
from benchlab.exchange import FORMATS, export_run, import_file
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
