"""The command that is run before each measurement."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import RunError
from benchlab.experiments.before_block import shell_command


def test_the_command_finds_arm_and_block_in_its_environment(tmp_path: Path) -> None:
    hook = shell_command(f'echo "$BENCHLAB_ARM $BENCHLAB_BLOCK" >> {tmp_path / "seen"}')
    hook("b", 1)
    hook("a", 12)
    assert (tmp_path / "seen").read_text() == "b 1\na 12\n"


def test_a_failed_command_is_named_with_its_status_and_its_last_line() -> None:
    with pytest.raises(RunError, match=r"failed with status 7: no such container$"):
        shell_command("echo starting; echo no such container >&2; exit 7")("a", 1)
    with pytest.raises(RunError, match=r"failed with status 1$"):
        shell_command("false")("a", 1)


def test_a_service_that_is_left_in_the_background_is_not_waited_for() -> None:
    shell_command("sleep 5 &")("a", 1)
