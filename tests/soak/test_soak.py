"""Faults come and go for minutes: memory and open files stay, and the target's count is ours.

`make soak` runs it for SOAK_MINUTES, and prints what every process held.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from benchlab.bundled import start_target
from tests.benchmarks.table import show
from tests.soak.growth import Watch

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))
MOST_GAINED_MB = 4.0
"""What a process may gain from the first quarter of the run to its end. A request that left 100
bytes behind would add 4.5 MB in ten minutes."""
MOST_FILES_GAINED = 3
ROLES = {"worker": "benchlab.load.worker", "faults": "benchlab.faults"}


def run_beside(url: str, length_s: float, watch_every_s: float, target: int) -> tuple[dict, Watch]:
    """A long run in a process of its own, watched with its children and the target."""
    command = [sys.executable, "-m", "tests.soak.long_run", url, str(length_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        with Watch(parent.pid, ROLES, {"parent": parent.pid, "target": target}, watch_every_s) as w:
            output, _ = parent.communicate()
    assert parent.returncode == 0
    return json.loads(output), w
