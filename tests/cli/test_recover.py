"""What ``benchlab recover`` removes, and what it only lists."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from benchlab import ConstantRate, Plan, Request, spool
from benchlab.cli.recover import recover
from benchlab.errors import InputError

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


def test_list_and_discard_exclude_each_other() -> None:
    directory = never_started()
    assert isinstance(invoke("--list", "--discard").exception, InputError)
    assert directory.is_dir()
    assert "deleted" in invoke("--discard").output
    assert not directory.exists()
