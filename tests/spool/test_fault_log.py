from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import DamagedError
from benchlab.plan.faults import FaultSchedule
from benchlab.spool.fault_log import FaultLog, read_fault_log

FAULTS = FaultSchedule(["drop", "error 503", "latency 1ms"])


def test_a_log_is_read_in_the_order_in_which_faults_began(tmp_path: Path) -> None:
    path = tmp_path / "faults.jsonl"
    log = FaultLog(path)
    log.began(1, 5)
    log.began(0, 7)
    log.failed(0, 8, "first")
    log.failed(0, 9, "second")
    log.ended(1, 10)
    with path.open("ab") as file:
        file.write(b'{"number":2,"event":"beg')  # killed in the middle of writing
    found = read_fault_log(path, FAULTS)
    assert [(item.number, item.began_ns, item.ended_ns, item.error) for item in found] == [
        (1, 5, 10, ""),
        (0, 7, None, "first"),
    ]


def test_no_log_is_no_faults(tmp_path: Path) -> None:
    assert read_fault_log(tmp_path / "faults.jsonl", FAULTS) == ()


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('{"number":3,"event":"began","run_ns":1}', "number"),
        ('{"number":0,"event":"rested","run_ns":1}', "event"),
        ('{"number":0,"event":"began"}', "run_ns"),
    ],
)
def test_a_damaged_log_is_named(tmp_path: Path, line: str, field: str) -> None:
    path = tmp_path / "faults.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(DamagedError) as caught:
        read_fault_log(path, FAULTS)
    assert caught.value.field == field
    assert str(path) in str(caught.value)
