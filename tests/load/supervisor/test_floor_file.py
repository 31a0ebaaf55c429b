from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import DamagedError, RunError
from benchlab.load.supervisor.floor_file import attach_floor, floor_path, read_floor, write_floor
from benchlab.runs.floor import NOT_CALIBRATED
from tests.runs.floors import ENVIRONMENT, make_floor


def test_a_written_floor_is_read_and_attached(own_data: Path) -> None:
    assert read_floor() is None
    assert attach_floor(ENVIRONMENT) == {"note": NOT_CALIBRATED}
    floor = make_floor()
    assert write_floor(floor) == floor_path() == own_data / "calibration.json"
    assert read_floor() == floor
    assert attach_floor(ENVIRONMENT) == {"floor": floor.to_dict()}


def test_the_floor_of_another_kernel_is_not_attached() -> None:
    write_floor(make_floor())
    carried = attach_floor({**ENVIRONMENT, "kernel": "Linux 7.0"})
    assert "kernel Linux 6.1, here Linux 7.0" in carried["note"]
    assert "floor" not in carried


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"host": 5}', "\x00", "[" * 10**5, '{"rate_rps": NaN}']
)
def test_a_damaged_floor_file_is_reported_and_does_not_stop_runs(own_data: Path, text: str) -> None:
    own_data.mkdir(parents=True)
    floor_path().write_text(text)
    with pytest.raises(DamagedError, match=r"json: .*: run benchlab calibrate") as caught:
        read_floor()
    assert attach_floor(ENVIRONMENT) == {"note": str(caught.value)}


def test_a_data_directory_that_cannot_be_written_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCHLAB_DATA_DIR", str(tmp_path / "file" / "x"))
    with pytest.raises(RunError, match="BENCHLAB_DATA_DIR"):
        write_floor(make_floor())
