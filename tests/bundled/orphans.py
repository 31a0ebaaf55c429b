"""Check that a bundled process ends when its parent is killed."""

from __future__ import annotations

import subprocess
import sys

import psutil

__all__ = ["assert_ends_with_its_parent"]


def assert_ends_with_its_parent(start: str) -> None:
    """``start`` is Python code that assigns a bundled process to ``started``."""
    script = f"{start}\nimport time\nprint(started.pid, flush=True)\ntime.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    process = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert psutil.wait_procs([process], timeout=15)[1] == []
