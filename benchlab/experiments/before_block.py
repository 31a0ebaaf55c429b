"""A shell command that is run before each run of an A/B, such as a restart of the service."""

from __future__ import annotations

import os
import subprocess
from tempfile import TemporaryFile

from benchlab.errors import RunError
from benchlab.experiments.ab_blocks import BeforeBlock
from benchlab.experiments.ab_design import Arm
from benchlab.text import one_line

__all__ = ["shell_command"]

_SHOWN = 200


def shell_command(command: str) -> BeforeBlock:
    """What runs ``command`` in a shell and waits for its end.

    It finds the arm in ``BENCHLAB_ARM`` (a or b) and the number of the block in ``BENCHLAB_BLOCK``.
    Its output goes nowhere unless it fails. It must return only when the service is ready again.

    What it returns raises a RunError if the command fails.
    """

    def run(arm: Arm, number: int) -> None:
        environment = {**os.environ, "BENCHLAB_ARM": arm, "BENCHLAB_BLOCK": str(number)}
        with TemporaryFile() as output:  # a pipe would wait for a service left in the background
            done = subprocess.run(
                command,
                shell=True,  # what the user wrote for their own shell
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
            if done.returncode:
                output.seek(0)
                last = output.read().decode(errors="replace").strip().splitlines()[-1:]
                text = f": {one_line(last[0], _SHOWN)}" if last else ""
                raise RunError(
                    f"the command before the run failed with status {done.returncode}{text}"
                )

    return run
