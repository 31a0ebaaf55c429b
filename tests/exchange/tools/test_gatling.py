"""Text logs: one that Gatling wrote, and the forms of ``LogFileDataWriter.scala`` over time."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.run import Run
from benchlab.units import NS_PER_MS

RUN = "RUN\tshop.Basic\tbasic\t1795880000000\t \t3.9.5\n"


def run_of(path: Path) -> Run:
    found = import_file(path)
    assert isinstance(found, Run)
    return found


def test_a_log_that_gatling_wrote(data: Path) -> None:
    run = run_of(data / "gatling.txt")
    assert {name: (part.count, part.errors) for name, part in run.by_endpoint().items()} == {
        "home": (4, {}),
        "checkout / card": (4, {"status": 4}),
        "checkout / payment / json": (4, {"check": 4}),
        "checkout / payment / dead": (4, {"connect": 4}),
    }
    groups = [line.split("\t") for line in (data / "gatling.txt").read_text().splitlines()]
    summed_ms = sum(int(fields[4]) for fields in groups if fields[:2] == ["GROUP", "checkout"])
    inside = run.samples.column("endpoint") != run.samples.endpoints.index("home")
    assert run.samples.service_ns[inside].sum() == summed_ms * NS_PER_MS


def test_requests_with_their_groups_and_kinds_of_failure(data: Path) -> None:
    run = run_of(data / "simulation.txt")
    assert {name: part.count for name, part in run.by_endpoint().items()} == {
        "home": 2,
        "checkout / payment / card": 2,
        "search": 2,
    }
    assert run.samples.errors == {"status": 1, "check": 2, "connect": 1, "timeout": 1}
    assert list(run.samples.column("status")) == [0, 503, 200, 0, 0, 0]
    assert list(run.samples.service_ns // NS_PER_MS) == [41, 120, 5, 1, 60, 60_002]
    assert run.started_at_ns == 1_795_880_000_020 * NS_PER_MS
    notes = run.environment["imported"]["notes"]
    assert "1 errors of users outside requests are not in the samples" in notes
    assert "statuses of good requests" in run.environment["imported"]["not_in_the_file"]


@pytest.mark.parametrize(
    "line",
    [
        "REQUEST\t\thome\t1795880000011\t1795880000030\tOK\t ",  # 3.4 to 3.11
        "REQUEST\t7\t\thome\t1795880000011\t1795880000030\tOK\t ",  # 3.0 to 3.3
        "REQUEST\tsc\t7\t\thome\t1795880000011\t1795880000030\tOK\t\textra",  # 2.1 to 2.3
    ],
)
def test_the_forms_of_older_versions(tmp_path: Path, line: str) -> None:
    path = tmp_path / "simulation.log"
    path.write_text(f"{RUN}{line}\n")
    run = run_of(path)
    assert run.samples.endpoints == ("home",)
    assert list(run.samples.service_ns) == [19 * NS_PER_MS]


def test_a_damaged_record_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "simulation.log"
    path.write_text(f"{RUN}REQUEST\t\thome\t1795880000011\t17958800000\n")
    with pytest.raises(InputError, match=rf"{path}:2: the record of the request is cut off"):
        import_file(path)


def test_a_log_is_read_up_to_where_it_was_cut_off(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "simulation.log"
    lines = (data / "gatling.txt").read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:8]) + lines[8][:30])
    run = run_of(path)
    assert len(run.samples) == 2
    assert "cut off in line 9" in " ".join(run.environment["imported"]["notes"])


def test_the_binary_form_is_named(tmp_path: Path) -> None:
    path = tmp_path / "simulation.log"
    path.write_bytes(b"\x00\x00\x00\x00\x063.13.1\x00\x00\x00\x00\x0ashop.Basic\x00")
    with pytest.raises(InputError, match=r"binary form of 3\.12 and later: Gatling up to 3\.11"):
        import_file(path)
