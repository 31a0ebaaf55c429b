"""What ``benchlab recover`` removes, and what it only lists."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from benchlab import ConstantRate, Plan, Request, spool
from benchlab.cli.recover import recover
from benchlab.errors import InputError
from tests.spools import going_on

ID = "00112233445566ff"


def never_started() -> Path:
    plan = Plan([Request("GET", "http://127.0.0.1:1/")], ConstantRate(10), duration_s=1)
    with spool.create(ID, plan, {}) as directory:
        return directory


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(recover, arguments, standalone_mode=False)


def test_list_does_not_remove_a_run_that_never_started() -> None:
    directory = never_started()
    for _ in range(2):
        listed = invoke("--list")
        assert (listed.exit_code, listed.return_value) == (0, 0)
        assert f"{ID}: never started, nothing was measured" in listed.output
        assert directory.is_dir()
    assert ID in invoke().output
    assert not directory.exists()


def test_a_run_that_goes_on_is_left_alone() -> None:
    assert "nothing to recover\n" in invoke().output
    with going_on(ID) as directory:
        assert "nothing to recover; 1 run in use: see benchlab live" in invoke("--discard").output
        assert directory.is_dir()
    assert f"{ID}: deleted" in invoke("--discard").output


def test_a_damaged_run_keeps_no_other_from_being_saved() -> None:
    damaged = {
        "0000000000000001": ("run.json", "[" * 100_000),
        "0000000000000002": ("run.json", "{}"),
        "0000000000000003": ("start.json", '{"started_at_ns": Infinity}'),
        "0000000000000004": ("samples-0.bin", "garbage " * 70),
        "0000000000000005": ("health-0.json", '{"worker": "x"}'),
    }
    plan = Plan([Request("GET", "http://127.0.0.1:1/")], ConstantRate(10), duration_s=1)
    for run_id in (*damaged, ID):
        with spool.create(run_id, plan, {}) as directory:
            spool.write_start(directory, 1_700_000_000_000_000_000)
        if run_id in damaged:
            name, content = damaged[run_id]
            (directory / name).write_text(content)
    done = invoke()
    assert done.return_value == 1
    lines = done.output.splitlines()
    assert f"{ID}: 2023-11-14 22:13, GET /, 0 requests, invalid, saved" in lines
    for run_id in damaged:
        (line,) = [line for line in lines if line.startswith(run_id)]
        assert f"{run_id}/" in line or "the samples in" in line
    assert [path.name for path in spool.pending()] == list(damaged)


def test_list_and_discard_exclude_each_other() -> None:
    directory = never_started()
    assert isinstance(invoke("--list", "--discard").exception, InputError)
    assert directory.is_dir()
    assert "deleted" in invoke("--discard").output
    assert not directory.exists()
